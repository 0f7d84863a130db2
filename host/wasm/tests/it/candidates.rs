//! Versions on trial: no message is worse off for one, and what they did is told.

use wasmill_model::effects::{Effects, Outcome};
use wasmill_model::routes::PluginSettings;
use wasmill_model::{FailureKind, Share};
use wasmill_port::candidate::{
    CanaryBounds, CanaryPlan, Candidate, Candidates, Ended, Plan, ShadowPlan, Shadowed, Trial,
};
use wasmill_port::plugins::{ActError, Action};
use wasmill_port::{Guests, Plugins};

use crate::http::Server;
use crate::support::{Bench, PLUGIN, effects, written};

/// A bench where `running` serves, and the content hash of `candidate`, which is kept beside it.
async fn beside(running: &str, candidate: &str, settings: PluginSettings) -> (Bench, String) {
    let bench = Bench::with(running, settings).await;
    let pin = Action::Pin { version: None };
    bench
        .registry
        .act(&PLUGIN.into(), pin)
        .await
        .expect("it is pinned");
    let bytes = build(wasmill_test_guests::bytes(candidate));
    let name = PLUGIN.into();
    let installed = bench.registry.install(&name, bytes.as_slice().into()).await;
    let installed = installed.expect("it is kept");
    let held = installed.held.expect("the pin holds it");
    (bench, held.version)
}

/// Another build of the same code: with a section that says nothing, named `b`.
fn build(mut component: Vec<u8>) -> Vec<u8> {
    component.extend([0, 2, 1, b'b']);
    component
}

fn canary(percent: f64) -> Plan {
    Plan::Canary(CanaryPlan {
        share: Share::percent(percent).expect("a share"),
        window: std::time::Duration::from_secs(600),
        promote: false,
        bounds: CanaryBounds::default(),
    })
}

fn shadow() -> Plan {
    Plan::Shadow(ShadowPlan {
        sample: Share::ALL,
        count: 3,
    })
}

async fn begin(bench: &Bench, version: &str, plan: Plan) -> Result<Candidate, ActError> {
    let name = PLUGIN.into();
    bench.registry.try_version(&name, version, plan).await
}

fn status(bench: &Bench) -> Candidate {
    Candidates::candidate(&*bench.registry, PLUGIN).expect("one was on trial")
}

fn seen(bench: &Bench) -> Shadowed {
    match status(bench).trial {
        Trial::Shadow { seen, .. } => seen,
        Trial::Canary { .. } => panic!("it is a shadow"),
    }
}

/// Handles one message under each of these keys.
async fn handle_keys(bench: &Bench, keys: std::ops::Range<u128>, body: &str) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for key in keys {
        let run = bench.keyed_run(&format!("key-{key}"), key, &[body]);
        outcomes.extend(bench.registry.handle(run).await);
    }
    outcomes
}

#[tokio::test]
async fn a_canary_that_fails_is_rolled_back_by_itself_and_no_message_fails() {
    let (bench, candidate) = beside("counter", "trap", PluginSettings::default()).await;
    begin(&bench, &candidate, canary(20.0))
        .await
        .expect("it begins");
    let outcomes = handle_keys(&bench, 0..500, "x").await;
    assert_eq!(outcomes.len(), 500);
    for outcome in outcomes {
        let effects = effects(outcome);
        assert_eq!(written(&effects, "seen"), "1");
        assert_eq!(effects.sends.len(), 1);
    }
    let status = status(&bench);
    let Some(Ended::RolledBack(why)) = &status.ended else {
        panic!("{status:?}")
    };
    assert!(why.contains("100.0% of its 5 messages failed"), "{why}");
    let Trial::Canary {
        running, candidate, ..
    } = status.trial
    else {
        panic!("it is a canary")
    };
    assert_eq!((candidate.messages, candidate.errors), (5, 5));
    assert!(running.messages > 0 && running.errors == 0);
}

#[tokio::test]
async fn a_canary_has_its_share_of_the_keys_and_always_the_same_ones() {
    let (bench, candidate) = beside("counter", "doubler", PluginSettings::default()).await;
    begin(&bench, &candidate, canary(20.0))
        .await
        .expect("it begins");
    let by_candidate = |outcomes: Vec<Outcome>| -> Vec<bool> {
        let seen = outcomes.into_iter().map(|it| written(&effects(it), "seen"));
        seen.map(|seen| seen == "2").collect()
    };
    let once = by_candidate(handle_keys(&bench, 0..300, "x").await);
    let again = by_candidate(handle_keys(&bench, 0..300, "x").await);
    assert_eq!(once, again);
    let share = once.iter().filter(|by| **by).count();
    assert!((30..90).contains(&share), "{share}");
    assert!(status(&bench).ended.is_none(), "{:?}", status(&bench));

    let name = PLUGIN.into();
    let promote = Action::Promote { version: candidate };
    bench.registry.act(&name, promote).await.expect("it serves");
    assert!(bench.registry.end_trial(PLUGIN, Ended::Promoted));
    let all = by_candidate(handle_keys(&bench, 0..50, "x").await);
    assert!(all.iter().all(|by| *by));
    assert_eq!(status(&bench).ended, Some(Ended::Promoted));
}

#[tokio::test]
async fn a_canary_that_burns_much_more_is_rolled_back() {
    let (bench, candidate) = beside("counter", "chatter", PluginSettings::default()).await;
    begin(&bench, &candidate, canary(50.0))
        .await
        .expect("it begins");
    handle_keys(&bench, 0..200, "x").await;
    let Some(Ended::RolledBack(why)) = status(&bench).ended else {
        panic!("{:?}", status(&bench))
    };
    assert!(why.contains("of fuel a message"), "{why}");
}

#[tokio::test]
async fn where_handlers_act_outside_a_canary_that_fails_has_the_message_retried() {
    let server = Server::held().await;
    server.answer();
    let (bench, candidate) = beside("fetch", "refuse", server.granted()).await;
    begin(&bench, &candidate, canary(100.0))
        .await
        .expect("it begins");
    let outcomes = handle_keys(&bench, 0..1, "reject").await;
    let failure = outcomes[0].result.as_ref().expect_err("it is retried");
    assert_eq!(failure.kind, FailureKind::Retry, "and not given up");
    let run = bench.attempt("key-0", 2, &server.address());
    let outcomes = bench.registry.handle(run).await;
    let effects = outcomes[0]
        .result
        .as_ref()
        .expect("the running version has it");
    assert_eq!(written(effects, "answer"), "hello");
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
async fn what_may_not_be_tried_is_refused_with_the_reason() {
    let (bench, candidate) = beside("counter", "doubler", PluginSettings::default()).await;
    let why = |refused: Result<Candidate, ActError>| refused.unwrap_err().to_string();
    let serves = bench.registry.version(PLUGIN).expect("it serves");
    let refused = why(begin(&bench, &serves, canary(5.0)).await);
    assert!(refused.contains("serves already"), "{refused}");
    let refused = why(begin(&bench, "0123456789", canary(5.0)).await);
    assert!(refused.contains("no version `0123456789`"), "{refused}");
    begin(&bench, &candidate[..8], shadow())
        .await
        .expect("it begins");
    let refused = why(begin(&bench, &candidate, canary(5.0)).await);
    assert!(refused.contains("promote or abort"), "{refused}");
    assert!(bench.registry.end_trial(PLUGIN, Ended::Stopped));
    assert!(!bench.registry.end_trial(PLUGIN, Ended::Stopped));
    begin(&bench, &candidate, canary(5.0))
        .await
        .expect("it begins");

    let Bench { data, .. } = bench;
    let bench = Bench::over(data, PluginSettings::default());
    bench
        .registry
        .restore(&PLUGIN.into())
        .await
        .expect("it serves");
    assert_eq!(bench.registry.version(PLUGIN), Some(serves));
    let after = Candidates::candidate(&*bench.registry, PLUGIN);
    assert_eq!(after, None, "a restart ends a trial");
}
