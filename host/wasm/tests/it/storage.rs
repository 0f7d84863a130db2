//! What is kept in the data directory cannot be read or written, or is not what it was: the plugin waits,
//! its neighbours serve, and nobody is told otherwise.

use std::fs;
use std::path::PathBuf;

use wasmill_component::SecretKey;
use wasmill_model::routes::PluginSettings;
use wasmill_port::Plugins;
use wasmill_port::plugins::{ActError, Action, Fault, File};

use crate::support::{Bench, PLUGIN, effects, written};
use crate::trials::signed_by;

impl Bench {
    /// A file among what is kept of plugins.
    fn kept(&self, file: &str) -> PathBuf {
        self.data().join("plugins").join(file)
    }

    /// Puts something in the way of what is written under this name, until it is removed.
    fn obstruct(&self, file: &str) -> PathBuf {
        let obstacle = self.kept(&format!("{file}.partial"));
        fs::create_dir(&obstacle).expect("made");
        obstacle
    }

    async fn act(&self, action: Action) -> Result<bool, ActError> {
        self.registry.act(&PLUGIN.into(), action).await
    }

    /// The hash of what serves.
    fn hash(&self) -> String {
        self.registry.version(PLUGIN).expect("it serves")
    }

    fn again(&self) -> Self {
        Self::over(self.data.clone(), PluginSettings::default())
    }
}

fn pin(version: Option<&str>) -> Action {
    let version = version.map(str::to_owned);
    Action::Pin { version }
}

fn back() -> Action {
    Action::Rollback { version: None }
}

#[tokio::test]
async fn a_record_that_cannot_be_read_keeps_its_plugin_out_and_no_other() {
    let bench = Bench::with("counter", PluginSettings::default()).await;
    bench.install("fast", "doubler").await.expect("it is taken");
    let files = ["plugin.history", "plugin.history.copy"].map(|file| bench.kept(file));
    let whole = fs::read(&files[0]).expect("read");
    for file in &files {
        fs::write(file, "nothing of use").expect("written");
    }

    let bench = bench.again();
    let name = PLUGIN.into();
    bench.install("fast", "doubler").await.expect("it is taken");
    let rejected = bench.install(PLUGIN, "counter").await.expect_err("waits");
    assert!(rejected.waits(), "{rejected}");
    assert!(rejected.reason.contains("plugin.history"), "{rejected}");
    let refused = bench.act(Action::Disable).await.expect_err("unknown");
    assert!(
        matches!(&refused, ActError::Refused(why) if why.contains("backup")),
        "{refused}"
    );
    bench.registry.dismiss(&name).await;
    bench.registry.remove(&name).await;
    let fault = bench
        .registry
        .standing(PLUGIN)
        .expect("it is told of")
        .fault;
    assert!(matches!(fault, Some(Fault::Unreadable(_))), "{fault:?}");
    assert_eq!(fs::read(&files[0]).expect("read"), b"nothing of use");

    // Put back, without a restart.
    fs::write(&files[0], whole).expect("written");
    bench.install(PLUGIN, "counter").await.expect("it is taken");
    assert_eq!(bench.registry.standing(PLUGIN).expect("known").fault, None);
    assert_eq!(written(&effects(bench.handle("a").await), "seen"), "1");
}

#[tokio::test]
async fn a_plugin_that_is_gone_stays_so_when_its_record_is_put_back() {
    let bench = Bench::with("counter", PluginSettings::default()).await;
    let files = ["plugin.history", "plugin.history.copy"].map(|file| bench.kept(file));
    let whole = fs::read(&files[0]).expect("read");
    for file in &files {
        fs::write(file, "nothing of use").expect("written");
    }
    let name = PLUGIN.into();
    let bench = bench.again();
    bench.registry.remove(&name).await;
    for _ in 0..3 {
        bench.registry.catch_up(&name).await;
        assert_eq!(bench.registry.behind(), std::slice::from_ref(&name));
    }

    fs::write(&files[0], whole).expect("written");
    bench.registry.catch_up(&name).await;
    assert!(bench.registry.behind().is_empty());
    for bench in [&bench, &bench.again()] {
        let standing = bench.registry.standing(PLUGIN).expect("known");
        assert_eq!((standing.removed, standing.fault), (true, None));
    }
}

#[tokio::test]
async fn nothing_is_told_of_a_plugin_whose_record_was_moved_away() {
    let bench = Bench::with("counter", PluginSettings::default()).await;
    let files = ["plugin.history", "plugin.history.copy"].map(|file| bench.kept(file));
    for file in &files {
        fs::write(file, "nothing of use").expect("written");
    }
    let bench = bench.again();
    let name = PLUGIN.into();
    assert_eq!(bench.registry.standings().len(), 1, "it waits");
    bench.registry.remove(&name).await;
    files
        .iter()
        .for_each(|file| fs::remove_file(file).expect("moved"));
    bench.registry.catch_up(&name).await;
    bench.registry.remove(&name).await;
    assert_eq!(bench.registry.standings(), []);
    assert!(bench.registry.behind().is_empty() && !files[0].exists());
    let left = fs::read_dir(bench.kept("")).expect("read").count();
    assert_eq!(left, 0, "what no record names is dropped");
}

#[tokio::test]
async fn a_removal_holds_though_it_cannot_be_written_down() {
    let bench = Bench::with("counter", PluginSettings::default()).await;
    let obstacle = bench.obstruct("plugin.history");
    let name = PLUGIN.into();
    bench.registry.remove(&name).await;
    let standing = bench.registry.standing(PLUGIN).expect("known");
    assert!(standing.removed && matches!(standing.fault, Some(Fault::Unwritten(_))));
    assert_eq!(bench.registry.behind(), std::slice::from_ref(&name));
    let failed = bench.act(pin(Some(&standing.versions[0].hash))).await;
    assert!(matches!(failed, Err(ActError::Storage(_))), "{failed:?}");

    fs::remove_dir(obstacle).expect("removed");
    bench.registry.catch_up(&name).await;
    let standing = bench.again().registry.standing(PLUGIN).expect("known");
    assert_eq!((standing.removed, standing.fault), (true, None));
}

#[tokio::test]
async fn what_cannot_be_kept_waits_and_what_served_before_still_does() {
    let bench = Bench::with("counter", PluginSettings::default()).await;
    let before = bench.hash();
    for file in ["plugin.history", "plugin.history.copy"] {
        let obstacle = bench.obstruct(file);
        let rejected = bench.install(PLUGIN, "doubler").await.expect_err("waits");
        assert!(rejected.waits(), "{rejected}");
        assert_eq!(bench.hash(), before);
        let failed = bench.act(pin(None)).await;
        assert!(matches!(failed, Err(ActError::Storage(_))), "{failed:?}");
        fs::remove_dir(obstacle).expect("removed");
        let standing = bench.again().registry.standing(PLUGIN).expect("known");
        assert_eq!(standing.versions.len(), 1, "nothing is half done");
        assert_eq!(
            (standing.current, standing.pinned),
            (Some(before.clone()), None)
        );
    }
    let installed = bench.install(PLUGIN, "doubler").await;
    assert!(installed.expect("there is room").changed);
}

#[tokio::test]
async fn a_version_serves_after_a_start_though_nothing_can_be_written() {
    let bench = Bench::with("counter", PluginSettings::default()).await;
    bench.obstruct("plugin.history");
    let bench = bench.again();
    bench.registry.dismiss(&PLUGIN.into()).await;
    let restored = bench.registry.restore(&PLUGIN.into()).await;
    assert!(restored.expect("it is named already").serving);
}

#[tokio::test]
async fn content_that_is_not_what_it_was_is_told_of_and_its_file_brings_it_back() {
    let bench = Bench::with("counter", PluginSettings::default()).await;
    let first = bench.hash();
    bench.install(PLUGIN, "doubler").await.expect("it is taken");
    let second = bench.hash();
    fs::remove_file(bench.kept(&format!("{first}.wasm"))).expect("it was kept");
    fs::write(bench.kept(&format!("{second}.wasm")), "another").expect("written");

    let damages = bench.registry.damages(&PLUGIN.into()).await;
    assert!(damages[&first].contains("is not there"), "{damages:?}");
    assert!(damages[&second].contains("is damaged"), "{damages:?}");
    for (action, why) in [
        (back(), "is not there"),
        (pin(None), "is damaged"),
        (pin(Some(&first)), "is not there"),
    ] {
        let refused = bench.act(action).await.expect_err("it cannot serve");
        assert!(refused.to_string().contains(why), "{refused}");
    }
    bench.install(PLUGIN, "doubler").await.expect("the same");
    bench.act(pin(None)).await.expect("it is mended");
}

#[tokio::test]
async fn a_disabled_plugin_goes_back_to_no_version_that_cannot_serve() {
    let bench = Bench::with("counter", PluginSettings::default()).await;
    let first = bench.hash();
    bench.install(PLUGIN, "doubler").await.expect("it is taken");
    let content = bench.kept(&format!("{first}.wasm"));
    let whole = fs::read(&content).expect("it is kept");
    fs::write(&content, "no component").expect("written");
    bench.act(Action::Disable).await.expect("it serves");
    let refused = bench.act(back()).await.expect_err("it cannot serve");
    assert!(refused.to_string().contains("is damaged"), "{refused}");
    let mut routes = wasmill_model::Routes::clone(&bench.routes);
    routes.signatures.required = wasmill_model::routes::SignaturesRequired::OfAll;
    fs::write(&content, whole).expect("written");
    bench.registry.set_routes(routes.into());
    let refused = bench.act(back()).await.expect_err("nobody signed it");
    assert!(refused.to_string().contains("must be signed"), "{refused}");
    bench.registry.set_routes(bench.routes.clone());
    bench.act(back()).await.expect("it can serve");
    let standing = bench.registry.standing(PLUGIN).expect("known");
    assert_eq!((standing.current, standing.serving), (Some(first), false));
}

#[tokio::test]
async fn a_key_that_comes_into_force_tells_who_signed_what_is_kept() {
    let key = SecretKey::new(&[7; 32]);
    let bench = Bench::with("counter", PluginSettings::default()).await;
    let first = bench.hash();
    let signature = key.sign(&first).to_string();
    let component = wasmill_test_guests::bytes("counter");
    let file = File {
        component: &component,
        signature: Some(signature.as_bytes()),
    };
    let installed = bench.registry.install(&PLUGIN.into(), file).await;
    installed.expect("it need not be signed");
    bench.install(PLUGIN, "doubler").await.expect("nor this");
    bench.registry.set_routes(signed_by(&[&key]));
    bench.act(back()).await.expect("it is signed");
    assert_eq!(bench.hash(), first);
}
