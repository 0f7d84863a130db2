//! Trials of versions begin and end as they should, whatever else happens to the plugin meanwhile.

use std::sync::Arc;

use sha2::{Digest, Sha256};
use wasmill_component::SecretKey;
use wasmill_model::Secret;
use wasmill_model::effects::Outcome;
use wasmill_model::routes::{
    Grants, PluginSettings, Routes, SecretFile, Signatures, SignaturesRequired,
};
use wasmill_port::candidate::{Candidates, Ended};
use wasmill_port::plugins::{ActError, Action, File};
use wasmill_port::{Guests, Plugins};

use crate::candidates::{begin, beside, build, canary, handle_keys, status};
use crate::http::Server;
use crate::shadows::shadow;
use crate::support::{Bench, Log, PLUGIN, effects, failure, routes, written};

async fn act(bench: &Bench, action: Action) -> Result<bool, ActError> {
    bench.registry.act(&PLUGIN.into(), action).await
}

fn promote(version: &str) -> Action {
    Action::Promote {
        version: version.to_owned(),
    }
}

/// What the handler counted under each key: by ones, or, as a `doubler` does, by twos.
fn seen(outcomes: Vec<Outcome>) -> Vec<String> {
    let seen = outcomes.into_iter().map(|it| written(&effects(it), "seen"));
    seen.collect()
}

#[tokio::test]
async fn only_a_canary_that_is_under_way_is_promoted() {
    let (bench, candidate) = beside("counter", "doubler", PluginSettings::default()).await;
    let serves = bench.registry.version(PLUGIN);
    let refused = |acted: Result<bool, ActError>| {
        let why = acted.expect_err("it is refused").to_string();
        assert!(why.contains("is no canary that is under way"), "{why}");
    };
    refused(act(&bench, promote(&candidate)).await);
    begin(&bench, &candidate, shadow())
        .await
        .expect("it begins");
    refused(act(&bench, promote(&candidate)).await);
    assert!(bench.registry.end_trial(PLUGIN, Ended::Stopped));

    begin(&bench, &candidate, canary(5.0))
        .await
        .expect("it begins");
    let worse = Ended::RolledBack("it is worse".to_owned());
    assert!(bench.registry.end_trial(PLUGIN, worse.clone()));
    refused(act(&bench, promote(&candidate)).await);
    assert_eq!(bench.registry.version(PLUGIN), serves);
    assert_eq!(status(&bench).ended, Some(worse));

    begin(&bench, &candidate, canary(5.0))
        .await
        .expect("it begins");
    act(&bench, promote(&candidate)).await.expect("it serves");
    assert_eq!(bench.registry.version(PLUGIN), Some(candidate));
    assert_eq!(status(&bench).ended, Some(Ended::Promoted));
}

#[tokio::test]
async fn a_canary_that_cannot_be_promoted_goes_on() {
    let (bench, candidate) = beside("counter", "doubler", PluginSettings::default()).await;
    begin(&bench, &candidate, canary(100.0))
        .await
        .expect("it begins");
    let kept = bench
        .data()
        .join("plugins")
        .join(format!("{candidate}.wasm"));
    std::fs::write(&kept, b"damaged").unwrap();
    let why = act(&bench, promote(&candidate))
        .await
        .unwrap_err()
        .to_string();
    assert!(why.contains("is damaged"), "{why}");
    assert_eq!(status(&bench).ended, None);
    assert_eq!(seen(handle_keys(&bench, 0..1, "x").await), ["2"]);
    assert!(bench.registry.end_trial(PLUGIN, Ended::Stopped));
}

#[tokio::test]
async fn a_trial_that_was_over_stays_over_when_the_version_before_serves_again() {
    let (bench, candidate) = beside("counter", "doubler", PluginSettings::default()).await;
    begin(&bench, &candidate, canary(100.0))
        .await
        .expect("it begins");
    assert_eq!(seen(handle_keys(&bench, 0..1, "x").await), ["2"]);
    act(&bench, Action::Unpin).await.expect("the file comes in");
    let Some(Ended::Broken(why)) = status(&bench).ended else {
        panic!("{:?}", status(&bench))
    };
    assert!(why.contains(&candidate), "{why}");

    act(&bench, Action::Rollback { version: None })
        .await
        .expect("there is one");
    assert_eq!(seen(handle_keys(&bench, 0..1, "x").await), ["1"]);
    assert!(matches!(status(&bench).ended, Some(Ended::Broken(_))));
}

#[tokio::test]
async fn the_log_says_how_a_trial_ended() {
    let (bench, candidate) = beside("counter", "doubler", PluginSettings::default()).await;
    for (plan, ended, told) in [
        (canary(5.0), Ended::Stopped, "an operator ended it"),
        (
            shadow(),
            Ended::Broken("x".to_owned()),
            "it could not go on",
        ),
        (
            canary(5.0),
            Ended::RolledBack("x".to_owned()),
            "the version was rolled back",
        ),
    ] {
        begin(&bench, &candidate, plan).await.expect("it begins");
        let log = Log::default();
        let collected = log.collect();
        assert!(bench.registry.end_trial(PLUGIN, ended));
        drop(collected);
        let log = log.text();
        assert!(log.contains(&format!("the trial is over: {told}")), "{log}");
    }
    begin(&bench, &candidate, canary(5.0))
        .await
        .expect("it begins");
    let log = Log::default();
    let collected = log.collect();
    act(&bench, promote(&candidate)).await.expect("it serves");
    drop(collected);
    let log = log.text();
    assert!(log.contains("the version serves now"), "{log}");
}

#[tokio::test]
async fn a_plugin_that_goes_out_of_service_ends_the_trial() {
    let (bench, candidate) = beside("counter", "doubler", PluginSettings::default()).await;
    begin(&bench, &candidate, canary(100.0))
        .await
        .expect("it begins");
    act(&bench, Action::Disable).await.expect("it served");
    act(&bench, Action::Enable).await.expect("it is disabled");
    assert_eq!(seen(handle_keys(&bench, 0..1, "x").await), ["1"]);
    let out = Ended::Broken("the plugin went out of service".to_owned());
    assert_eq!(status(&bench).ended, Some(out.clone()));

    begin(&bench, &candidate, canary(100.0))
        .await
        .expect("it begins");
    bench.registry.remove(&PLUGIN.into()).await;
    assert_eq!(status(&bench).ended, Some(out));
}

#[tokio::test]
async fn no_trial_begins_of_a_version_whose_key_went_while_it_started() {
    let server = Server::held().await;
    let settings = server.granted_at_start();
    let (bench, candidate) = beside("counter", "starter", settings).await;
    let bench = Arc::new(bench);
    let begins = tokio::spawn({
        let bench = bench.clone();
        async move { begin(&bench, &candidate, canary(100.0)).await }
    });
    server.wait_for(1).await;
    bench.registry.set_routes(signed_by(&[]));
    server.answer();
    let refused = begins.await.unwrap().expect_err("nobody signed it");
    assert!(refused.to_string().contains("must be signed"), "{refused}");
    assert_eq!(Candidates::candidate(&*bench.registry, PLUGIN), None);
    let seen = seen(handle_keys(&bench, 0..5, "x").await);
    assert_eq!(seen, ["1"; 5]);
}

/// The routes of a bench whose plugins must be signed by these keys.
pub(crate) fn signed_by(keys: &[&SecretKey]) -> Arc<Routes> {
    let mut routes = Routes::clone(&routes(PluginSettings::default()));
    let bytes = |key: &SecretKey| {
        let mut bytes = [0; 32];
        hex::decode_to_slice(key.public().to_string(), &mut bytes).expect("hexadecimal");
        bytes
    };
    routes.signatures = Signatures {
        keys: keys
            .iter()
            .map(|key| ("carol".into(), bytes(key)))
            .collect(),
        required: SignaturesRequired::OfAll,
    };
    Arc::new(routes)
}

#[tokio::test]
async fn what_a_revoked_key_signed_is_not_tried() {
    let key = SecretKey::new(&[7; 32]);
    let (bench, unsigned) = beside("counter", "doubler", PluginSettings::default()).await;
    bench.registry.set_routes(signed_by(&[&key]));
    let refused = |begun: Result<_, ActError>| {
        let why = begun.map(|_| ()).expect_err("it is refused").to_string();
        assert!(why.contains("must be signed"), "{why}");
    };
    refused(begin(&bench, &unsigned, canary(5.0)).await);

    let component = build(build(wasmill_test_guests::bytes("doubler")));
    let file = |signature| File {
        component: &component,
        signature,
    };
    let name = PLUGIN.into();
    let rejected = bench.registry.install(&name, file(None)).await;
    assert!(rejected.is_err(), "it is not signed");
    let hash = hex::encode(Sha256::digest(&component));
    let signature = key.sign(&hash).to_string();
    let installed = bench
        .registry
        .install(&name, file(Some(signature.as_bytes())));
    let signed = installed.await.expect("it is signed").held.expect("pinned");
    begin(&bench, &signed.version, canary(5.0))
        .await
        .expect("it begins");

    bench.registry.set_routes(signed_by(&[]));
    let ended = status(&bench).ended;
    assert!(
        matches!(&ended, Some(Ended::Broken(why)) if why.contains("must be signed")),
        "{ended:?}"
    );
    refused(begin(&bench, &signed.version, canary(5.0)).await);
    refused(begin(&bench, &signed.version, shadow()).await);
}

#[tokio::test]
async fn settings_that_change_while_a_canary_handles_are_those_of_its_next_message() {
    let server = Server::held().await;
    let (bench, candidate) = beside("counter", "fetch", server.granted()).await;
    begin(&bench, &candidate, canary(100.0))
        .await
        .expect("it begins");
    let address = server.address();
    let run = bench.keyed_run("key", 0, &[&address, &address]);
    let registry = bench.registry.clone();
    let handled = tokio::spawn(async move { registry.handle(run).await });
    server.wait_for(1).await;
    let mut settings = server.granted();
    settings.grants = Grants::default();
    bench.registry.set_routes(routes(settings));
    server.answer();
    let [first, second] = <[Outcome; 2]>::try_from(handled.await.unwrap()).unwrap();
    assert_eq!(written(&effects(first), "answer"), "hello");
    let cause = failure(second).cause;
    assert!(cause.contains("HttpRequestDenied"), "{cause}");
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn settings_that_change_while_a_trial_begins_are_the_candidates() {
    let with_key = |key: &str| {
        let secret = Secret::new(key);
        let path = "/run/secrets/key".into();
        let file = SecretFile { path, secret };
        PluginSettings {
            grants: Grants {
                secrets: [("KEY".to_owned(), file)].into(),
                ..Grants::default()
            },
            ..PluginSettings::default()
        }
    };
    let (bench, candidate) = beside("counter", "secretive", with_key("first")).await;
    // It begins with what another thread does: the routes change before that is done.
    let change = async { bench.registry.set_routes(routes(with_key("second"))) };
    let (begun, ()) = tokio::join!(begin(&bench, &candidate, canary(100.0)), change);
    begun.expect("it begins");
    let outcome = handle_keys(&bench, 0..1, "keep").await.remove(0);
    assert_eq!(written(&effects(outcome), "key"), "second");
}

#[tokio::test]
async fn a_version_on_trial_is_kept_however_many_files_come() {
    let (bench, candidate) = beside("counter", "doubler", PluginSettings::default()).await;
    begin(&bench, &candidate, canary(5.0))
        .await
        .expect("it begins");
    let (name, mut file) = (PLUGIN.into(), wasmill_test_guests::bytes("doubler"));
    for _ in 0..11 {
        file = build(build(file));
        let installed = bench.registry.install(&name, file.as_slice().into()).await;
        assert!(installed.expect("it is kept").held.is_some());
    }
    act(&bench, promote(&candidate)).await.expect("it is there");
    assert_eq!(bench.registry.version(PLUGIN), Some(candidate));
}

#[tokio::test]
async fn the_file_of_a_canary_that_was_rolled_back_does_not_come_in_when_the_pin_ends() {
    for ended in [Ended::RolledBack("it failed".to_owned()), Ended::Stopped] {
        let (bench, candidate) = beside("counter", "doubler", PluginSettings::default()).await;
        begin(&bench, &candidate, canary(5.0))
            .await
            .expect("it begins");
        let comes_in = ended == Ended::Stopped;
        assert!(bench.registry.end_trial(PLUGIN, ended));
        let unpinned = bench.registry.act(&PLUGIN.into(), Action::Unpin).await;
        unpinned.expect("it is unpinned");
        let serves = bench.registry.version(PLUGIN).expect("one serves");
        assert_eq!(serves == candidate, comes_in);
    }
}
