//! Versions on trial as shadows: they do what the running version does, nothing of it is kept, and
//! nobody outside hears of them.

use wasmill_model::Share;
use wasmill_model::effects::Effects;
use wasmill_model::routes::PluginSettings;
use wasmill_port::Guests;
use wasmill_port::candidate::{Plan, ShadowPlan, Shadowed, Trial};

use crate::candidates::{begin, beside, handle_keys, status};
use crate::http::Server;
use crate::support::{Bench, PLUGIN, effects, routes, written};

pub(crate) fn shadow() -> Plan {
    Plan::Shadow(ShadowPlan {
        sample: Share::ALL,
        count: 3,
    })
}

fn seen(bench: &Bench) -> Shadowed {
    match status(bench).trial {
        Trial::Shadow { seen, .. } => seen,
        Trial::Canary { .. } => panic!("it is a shadow"),
    }
}

/// What is told of the first message that differs, as `what: running; candidate`.
fn first_difference(seen: &Shadowed) -> Vec<String> {
    let differences = seen.differing[0].differences.iter();
    differences
        .map(|it| format!("{}: {}; {}", it.what, it.running, it.candidate))
        .collect()
}

#[tokio::test]
async fn a_shadow_over_ten_thousand_messages_shows_what_differs_and_commits_nothing() {
    let (bench, candidate) = beside("counter", "doubler", PluginSettings::default()).await;
    begin(&bench, &candidate, shadow())
        .await
        .expect("it begins");
    let bodies = ["x"; 100];
    let mut handled = 0;
    for nth in 0..100 {
        let run = bench.keyed_run(&format!("key-{nth}"), nth * 100, &bodies);
        for (place, outcome) in bench.registry.handle(run).await.into_iter().enumerate() {
            handled += 1;
            let effects: Effects = effects(outcome);
            // The running version's own, each over the one before.
            assert_eq!(written(&effects, "seen"), (place + 1).to_string());
            assert_eq!(effects.sends.len(), 1);
        }
    }
    let seen = seen(&bench);
    assert_eq!((handled, seen.messages, seen.same), (10_000, 10_000, 0));
    assert_eq!((seen.faults, seen.unanswered), (0, 0));
    assert!(seen.fuel.iter().all(|fuel| *fuel > 0));
    assert_eq!(seen.differing.len(), 3, "the first ones are kept");
    let told = &seen.differing[1];
    assert_eq!(told.key.as_deref(), Some("key-0"));
    let differences: Vec<_> = told
        .differences
        .iter()
        .map(|it| (&*it.what, &*it.running, &*it.candidate))
        .collect();
    // The candidate saw the state as it was before the running version's call.
    assert_eq!(differences, [("state `seen`", "\"2\"", "\"3\"")]);
}

#[tokio::test]
async fn a_shadow_is_answered_from_what_the_running_version_received() {
    let server = Server::held().await;
    server.answer();
    let (bench, candidate) = beside("fetch", "fetch", server.granted()).await;
    begin(&bench, &candidate, shadow())
        .await
        .expect("it begins");
    let outcomes = handle_keys(&bench, 0..1, &server.address()).await;
    let of_running = outcomes[0].result.as_ref().expect("it is handled");
    assert_eq!(written(of_running, "answer"), "hello");
    assert_eq!(server.requests(), 1, "nobody is asked by the candidate");
    let seen = seen(&bench);
    assert_eq!((seen.messages, seen.same, seen.unanswered), (1, 1, 0));
}

#[tokio::test]
async fn what_only_a_shadow_asks_for_is_not_sent() {
    let server = Server::held().await;
    server.answer();
    let (bench, candidate) = beside("counter", "fetch", server.granted()).await;
    begin(&bench, &candidate, shadow())
        .await
        .expect("it begins");
    handle_keys(&bench, 0..1, &server.address()).await;
    assert_eq!(server.requests(), 0);
    let seen = seen(&bench);
    assert_eq!((seen.messages, seen.same, seen.unanswered), (1, 0, 1));
}

#[tokio::test]
async fn a_candidate_that_traps_as_a_shadow_fails_nothing() {
    let (bench, candidate) = beside("counter", "trap", PluginSettings::default()).await;
    begin(&bench, &candidate, shadow())
        .await
        .expect("it begins");
    for outcome in handle_keys(&bench, 0..20, "x").await {
        assert_eq!(written(&effects(outcome), "seen"), "1");
    }
    let seen = seen(&bench);
    assert_eq!((seen.messages, seen.faults, seen.same), (20, 20, 0));
    assert_eq!(seen.differing[0].differences[0].what, "outcome");
}

#[tokio::test]
async fn a_shadow_that_acts_when_it_starts_reaches_nobody_and_writes_nothing() {
    let server = Server::held().await;
    server.answer();
    let settings = server.granted_at_start();
    let (bench, candidate) = beside("counter", "starter", settings.clone()).await;
    begin(&bench, &candidate, shadow())
        .await
        .expect("it begins");
    handle_keys(&bench, 0..1, "x").await;
    // Under other settings it starts anew.
    let settings = PluginSettings {
        concurrency: 7,
        ..settings
    };
    bench.registry.set_routes(routes(settings.clone()));
    handle_keys(&bench, 1..2, "x").await;
    assert_eq!(seen(&bench).messages, 2);
    assert_eq!((seen(&bench).faults, seen(&bench).unanswered), (0, 0));
    assert_eq!(server.requests(), 0, "nobody is asked");
    let started = bench.data().join("files").join(PLUGIN).join("started");
    assert!(!started.exists(), "nothing is written");

    // In service it does both.
    let serving = Bench::with("starter", settings).await;
    let started = serving.data().join("files").join(PLUGIN).join("started");
    assert!(server.requests() > 0 && started.exists());
}

#[tokio::test]
async fn a_shadow_may_send_the_body_of_a_request_after_its_head() {
    let server = Server::held().await;
    server.answer();
    let (bench, candidate) = beside("post", "post", server.granted()).await;
    begin(&bench, &candidate, shadow())
        .await
        .expect("it begins");
    let post = format!("{} 50000", server.address());
    let outcomes = handle_keys(&bench, 0..1, &post).await;
    let of_running = outcomes[0].result.as_ref();
    let of_running = of_running.unwrap_or_else(|failure| panic!("{failure:?}"));
    assert_eq!(written(of_running, "answer"), "hello");
    let seen = seen(&bench);
    assert_eq!((seen.same, seen.unanswered), (1, 0), "{:?}", seen.differing);
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn what_a_shadow_sends_otherwise_or_not_at_all_differs() {
    let server = Server::held().await;
    server.answer();
    let (bench, candidate) = beside("post", "post", server.granted()).await;
    begin(&bench, &candidate, shadow())
        .await
        .expect("it begins");
    let post = format!("{} 5000 random", server.address());
    // The first one starts the candidate, which may take longer than a shadow waits.
    handle_keys(&bench, 0..4, &post).await;
    let [told] = &first_difference(&seen(&bench))[..] else {
        panic!("{:?}", seen(&bench))
    };
    let body = format!("request `POST {}/`: body: 5000 bytes", server.address());
    assert!(told.starts_with(&body), "{told}");

    let (bench, candidate) = beside("post", "counter", server.granted()).await;
    begin(&bench, &candidate, shadow())
        .await
        .expect("it begins");
    let post = format!("{} 5000", server.address());
    handle_keys(&bench, 0..4, &post).await;
    let told = first_difference(&seen(&bench));
    let unsent = told.last().expect("several differ");
    let request = format!("request `POST {}/`: 5000 bytes", server.address());
    assert!(unsent.starts_with(&request), "{told:?}");
    assert!(unsent.ends_with("; not sent"), "{told:?}");
}
