//! Versions change while calls run, and the last good one survives a restart.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use wasmill_component::{Capabilities, Manifest};
use wasmill_model::routes::{Grants, Isolation, PluginSettings};
use wasmill_port::Plugins;

use crate::http::Server;
use crate::support::{Bench, PLUGIN, effects, routes, written};

#[tokio::test]
async fn the_next_call_goes_to_the_new_version() {
    let bench = Bench::with("counter", PluginSettings::default()).await;
    assert_eq!(written(&effects(bench.handle("a").await), "seen"), "1");
    assert!(bench.install(PLUGIN, "doubler").await.unwrap().changed);
    assert_eq!(written(&effects(bench.handle("a").await), "seen"), "2");
    assert!(!bench.install(PLUGIN, "doubler").await.unwrap().changed);
}

#[tokio::test]
async fn a_call_in_flight_ends_on_the_version_it_began_with() {
    let server = Server::held().await;
    let bench = Arc::new(Bench::with("fetch", server.granted()).await);
    let waiting = tokio::spawn({
        let (bench, address) = (bench.clone(), server.address());
        async move { bench.handle(&address).await }
    });
    server.wait_for(1).await;
    bench.install(PLUGIN, "counter").await.unwrap();
    assert_eq!(written(&effects(bench.handle("a").await), "seen"), "1");
    server.answer();
    assert_eq!(written(&effects(waiting.await.unwrap()), "answer"), "hello");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_fails_while_versions_are_swapped() {
    let bench = Arc::new(Bench::with("counter", PluginSettings::default()).await);
    let stop = Arc::new(AtomicBool::new(false));
    let load = tokio::spawn({
        let (bench, stop) = (bench.clone(), stop.clone());
        async move {
            let mut handled = 0;
            while !stop.load(Ordering::Relaxed) {
                let seen = written(&effects(bench.handle("a").await), "seen");
                assert!(seen == "1" || seen == "2", "{seen}");
                handled += 1;
            }
            handled
        }
    });
    for guest in ["doubler", "counter"].repeat(5) {
        assert!(bench.install(PLUGIN, guest).await.unwrap().changed);
    }
    stop.store(true, Ordering::Relaxed);
    assert!(load.await.unwrap() > 10);
}

#[tokio::test]
async fn a_removed_plugin_is_out_of_service_and_stays_so() {
    let bench = Bench::with("counter", PluginSettings::default()).await;
    bench.registry.remove(&PLUGIN.into()).await;
    assert!(bench.registry.serving().is_empty());
    assert!(bench.handle("a").await.result.is_err());
    let refused = bench.registry.restore(&PLUGIN.into()).await.unwrap_err();
    assert!(
        refused.reason.contains("no version of it is kept"),
        "{refused}"
    );
}

#[tokio::test]
async fn the_last_good_version_serves_after_a_restart() {
    let bench = Bench::with("counter", PluginSettings::default()).await;
    bench.install(PLUGIN, "doubler").await.unwrap();
    bench.refusal(b"garbage").await;

    let restarted = Bench::over(bench.data.clone(), PluginSettings::default());
    let restored = restarted.registry.restore(&PLUGIN.into()).await.unwrap();
    assert_eq!(bench.registry.version(PLUGIN), Some(restored.version));
    assert_eq!(written(&effects(restarted.handle("a").await), "seen"), "2");
}

#[tokio::test]
async fn a_kept_version_that_was_damaged_is_not_restored() {
    let bench = Bench::with("counter", PluginSettings::default()).await;
    let kept = only_file(&bench.data().join("plugins"), "wasm");
    fs::write(kept, b"\0asm").unwrap();
    let bench = Bench::over(bench.data.clone(), PluginSettings::default());
    let refused = bench.registry.restore(&PLUGIN.into()).await.unwrap_err();
    assert!(refused.reason.contains("is damaged"), "{refused}");
}

#[tokio::test]
async fn a_kept_version_that_was_damaged_is_mended_by_its_file() {
    let bench = Bench::with("counter", PluginSettings::default()).await;
    let kept = only_file(&bench.data().join("plugins"), "wasm");
    let whole = fs::read(&kept).unwrap();
    let mut damaged = whole.clone();
    damaged[100] ^= 1;
    // Once while it serves, and once at a start.
    for restarts in [false, true] {
        fs::write(&kept, &damaged).unwrap();
        let restarted = Bench::over(bench.data.clone(), PluginSettings::default());
        let over = match restarts {
            true => &restarted,
            false => &bench,
        };
        over.install(PLUGIN, "counter").await.unwrap();
        assert_eq!(fs::read(&kept).unwrap(), whole);
    }
}

/// A file that asks for what is not granted is held; one that is refused takes its place.
#[tokio::test]
async fn what_was_held_does_not_come_in_once_a_refused_file_replaced_it() {
    let bench = Bench::with("counter", PluginSettings::default()).await;
    let asking = asking_for("pay.example");
    let name = PLUGIN.into();
    let installed = bench.registry.install(&name, asking.as_slice().into());
    assert!(installed.await.unwrap().held.is_some());
    bench.refusal(b"garbage").await;
    bench.registry.dismiss(&name).await;

    let granted = || PluginSettings {
        grants: Grants {
            http: vec!["pay.example".to_owned()],
            ..Grants::default()
        },
        ..PluginSettings::default()
    };
    bench.registry.set_routes(routes(granted()));
    assert_eq!(bench.registry.reconsider(&name).await, Ok(None));
    assert_eq!(bench.registry.standing(PLUGIN).unwrap().held, None);
    // Nor after a restart.
    let restarted = Bench::over(bench.data.clone(), granted());
    restarted.registry.restore(&name).await.unwrap();
    assert_eq!(restarted.registry.reconsider(&name).await, Ok(None));
    assert_eq!(written(&effects(restarted.handle("a").await), "seen"), "1");

    let again = restarted.registry.install(&name, asking.as_slice().into());
    assert!(again.await.unwrap().held.is_none(), "the file came again");
}

/// A version of `doubler` that asks for HTTP to a host.
fn asking_for(host: &str) -> Vec<u8> {
    let manifest = Manifest {
        name: PLUGIN.to_owned(),
        version: "2".to_owned(),
        language: None,
        description: None,
        capabilities: Capabilities {
            http: [host.to_owned()].into(),
            ..Capabilities::default()
        },
        routes: None,
        state_version: 1,
    };
    manifest.embed(&wasmill_test_guests::bytes("doubler"))
}

#[tokio::test]
async fn compiled_code_is_used_again_and_damaged_code_is_not() {
    let bench = Bench::with("counter", PluginSettings::default()).await;
    let cached = only_file(&bench.data().join("cache"), "cwasm");
    let code = fs::read(&cached).unwrap();

    // Under the hash of `counter`, the code of `doubler`: whoever counts in twos used the cache.
    let other = Bench::with("doubler", PluginSettings::default()).await;
    fs::copy(only_file(&other.data().join("cache"), "cwasm"), &cached).unwrap();
    let restarted = Bench::over(bench.data.clone(), PluginSettings::default());
    restarted.install(PLUGIN, "counter").await.unwrap();
    assert_eq!(written(&effects(restarted.handle("a").await), "seen"), "2");

    for damaged in [&code[..code.len() / 2], b"short", b""] {
        fs::write(&cached, damaged).unwrap();
        let restarted = Bench::over(bench.data.clone(), PluginSettings::default());
        restarted.install(PLUGIN, "counter").await.unwrap();
        assert_eq!(written(&effects(restarted.handle("a").await), "seen"), "1");
        assert_eq!(
            fs::read(&cached).unwrap(),
            code,
            "the entry is written anew"
        );
    }
}

#[tokio::test]
async fn new_settings_apply_to_the_calls_after_them() {
    let bench = Bench::with("intruder", PluginSettings::default()).await;
    let report = written(&effects(bench.handle("127.0.0.1:1").await), "report");
    assert!(
        report.contains("environment: 0") && report.contains("config: denied"),
        "{report}"
    );
    bench.registry.set_routes(routes(PluginSettings {
        config: [("greeting".to_owned(), "hello".to_owned())].into(),
        grants: Grants {
            env: [("TZ".to_owned(), "UTC".to_owned())].into(),
            ..Grants::default()
        },
        isolation: Isolation::Pooled,
        ..PluginSettings::default()
    }));
    let report = written(&effects(bench.handle("127.0.0.1:1").await), "report");
    assert!(
        report.contains("environment: 1") && report.contains("config: hello"),
        "{report}"
    );
}

/// The only file with this extension.
fn only_file(directory: &Path, extension: &str) -> PathBuf {
    let entries = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut found = entries.filter(|path| path.extension().is_some_and(|it| it == extension));
    let only = found.next().expect("there is one");
    assert_eq!(found.next(), None);
    only
}
