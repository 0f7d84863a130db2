//! What chosen versions cost, and what they share with the one that serves: they are loaded once, and
//! a plugin has no more at once for having several of them.

use std::sync::Arc;
use std::time::Duration;

use wasmill_model::Name;
use wasmill_model::routes::PluginSettings;
use wasmill_port::chosen::Choose;
use wasmill_port::plugins::Action;
use wasmill_port::{Guests, Plugins};

use crate::candidates::{begin, beside, build, canary};
use crate::chosen::{handle, refused, rehearse, run};
use crate::http::Server;
use crate::support::{Bench, Log, PLUGIN, effects, failure, written};

/// Versions that stay loaded.
const LOADED_MAX: usize = 16;

/// Takes the kept file of a version away: it can be loaded no more.
fn take_away(bench: &Bench, version: &str) {
    let file = bench.data().join("plugins").join(format!("{version}.wasm"));
    std::fs::remove_file(file).expect("it was kept");
}

#[tokio::test]
async fn a_chosen_version_is_loaded_once_and_goes_with_its_plugin() {
    let (bench, chosen) = beside("counter", "doubler", PluginSettings::default()).await;
    rehearse(&bench, Some(&chosen), "x").await;
    take_away(&bench, &chosen);
    // For messages as for show, and whatever instances there are.
    for _ in 0..2 {
        rehearse(&bench, Some(&chosen), "x").await;
        assert_eq!(
            written(&effects(handle(&bench, Some(&chosen)).await), "seen"),
            "2"
        );
        bench.registry.renew();
    }
    bench.registry.remove(&PLUGIN.into()).await;
    bench.install(PLUGIN, "counter").await.expect("it is back");
    let why = refused(&bench, &chosen).await;
    assert!(why.contains("cannot be read"), "{why}");
}

#[tokio::test]
async fn of_many_chosen_versions_the_last_ones_stay_loaded() {
    let (bench, first) = beside("counter", "doubler", PluginSettings::default()).await;
    rehearse(&bench, Some(&first), "x").await;
    let mut last = None;
    for plugin in ["fast", "slow"].map(Name::from) {
        bench.install(&plugin, "counter").await.expect("it loads");
        let pin = Action::Pin { version: None };
        let pinned = bench.registry.act(&plugin, pin).await;
        pinned.expect("it is pinned");
        let mut file = wasmill_test_guests::bytes("doubler");
        for _ in 0..LOADED_MAX / 2 {
            file = build(file);
            let installed = bench.registry.install(&plugin, file.as_slice().into());
            let held = installed.await.expect("it is kept").held;
            let version = held.expect("the pin holds it").version;
            let ready = bench.registry.make_ready(&plugin, &version).await;
            last = Some((plugin.clone(), ready.expect("it is ready")));
        }
    }
    let (plugin, hash) = last.expect("there are several");
    for version in [&*first, &hash] {
        take_away(&bench, version);
    }
    let ready = bench.registry.make_ready(&plugin, &hash).await;
    assert_eq!(ready, Ok(hash));
    let why = refused(&bench, &first).await;
    assert!(why.contains("cannot be read"), "{why}");
}

#[tokio::test]
async fn a_version_that_acts_while_it_starts_acts_for_its_messages_and_not_for_show() {
    let server = Server::held().await;
    server.answer();
    let settings = server.granted_at_start();
    let (bench, chosen) = beside("counter", "starter", settings).await;
    let started = bench.data().join("files").join(PLUGIN).join("started");
    let told = rehearse(&bench, Some(&chosen), "x").await;
    assert!(told.lacks_files && told.outcome.result.is_ok(), "{told:?}");
    assert!(told.requests.is_empty(), "none of them was the message's");
    assert_eq!((server.requests(), started.exists()), (0, false));

    // Letters are about to come to it: it starts once, in what it is granted.
    let plugin = Name::from(PLUGIN);
    for _ in 0..2 {
        let ready = bench.registry.make_ready(&plugin, &chosen[..8]).await;
        assert_eq!(ready.expect("it starts"), *chosen);
        effects(handle(&bench, Some(&chosen)).await);
    }
    assert_eq!((server.requests(), started.exists()), (1, true));

    // One that does not start is not ready, though it started for show.
    std::fs::write(started.with_file_name("stop"), "").expect("its directory is there");
    bench.registry.renew();
    rehearse(&bench, Some(&chosen), "x").await;
    let ready = bench.registry.make_ready(&plugin, &chosen).await;
    let why = ready.expect_err("it must not start").to_string();
    assert!(why.contains("does not start"), "{why}");
}

#[tokio::test]
async fn all_versions_of_a_plugin_together_have_its_requests_at_once() {
    let server = Server::held().await;
    let mut settings = server.granted();
    settings.grants.http_limits.concurrency = 1;
    settings.grants.http_limits.connect = Duration::from_millis(50);
    let (bench, other) = beside("fetch", "fetch", settings).await;
    let bench = Arc::new(bench);
    let address = server.address();
    let first = tokio::spawn({
        let (bench, address) = (bench.clone(), address.clone());
        async move { bench.handle(&address).await }
    });
    server.wait_for(1).await;

    let chosen = run(&bench, &address, Some(&other));
    let mut refused = bench.registry.handle(chosen).await;
    begin(&bench, &other, canary(100.0))
        .await
        .expect("it begins");
    refused.extend(bench.run(&[&address]).await);
    for outcome in refused {
        let cause = failure(outcome).cause;
        assert!(cause.contains("ConnectionLimitReached"), "{cause}");
    }
    server.answer();
    assert_eq!(written(&effects(first.await.unwrap()), "answer"), "hello");
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn log_lines_say_that_they_are_of_a_preview() {
    let (bench, chosen) = beside("counter", "chatter", PluginSettings::default()).await;
    let log = Log::default();
    let collected = log.collect();
    rehearse(&bench, Some(&chosen), "x").await;
    drop(collected);
    let log = log.text();
    assert!(log.contains("to the log"), "{log}");
    assert!(
        log.lines()
            .filter(|line| line.contains("version="))
            .all(|line| line.contains("role=\"preview\"")),
        "{log}"
    );
}
