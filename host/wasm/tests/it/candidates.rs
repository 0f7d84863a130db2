//! Versions on trial: no message is worse off for one, and what they did is told.

use wasmill_model::effects::Outcome;
use wasmill_model::routes::PluginSettings;
use wasmill_model::{FailureKind, Share};
use wasmill_port::candidate::{
    CanaryBounds, CanaryPlan, Candidate, Candidates, Ended, Plan, Trial,
};
use wasmill_port::plugins::{ActError, Action};
use wasmill_port::{Guests, Plugins};

use crate::http::Server;
use crate::support::{Bench, PLUGIN, effects, written};

/// A bench where `running` serves, and the content hash of `candidate`, which is kept beside it.
pub(crate) async fn beside(
    running: &str,
    candidate: &str,
    settings: PluginSettings,
) -> (Bench, String) {
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
pub(crate) fn build(mut component: Vec<u8>) -> Vec<u8> {
    component.extend([0, 2, 1, b'b']);
    component
}

pub(crate) fn canary(percent: f64) -> Plan {
    Plan::Canary(CanaryPlan {
        share: Share::percent(percent).expect("a share"),
        window: std::time::Duration::from_secs(600),
        promote: false,
        bounds: CanaryBounds::default(),
    })
}

pub(crate) async fn begin(bench: &Bench, version: &str, plan: Plan) -> Result<Candidate, ActError> {
    let name = PLUGIN.into();
    bench.registry.try_version(&name, version, plan).await
}

pub(crate) fn status(bench: &Bench) -> Candidate {
    Candidates::candidate(&*bench.registry, PLUGIN).expect("one was on trial")
}

/// Handles one message under each of these keys.
pub(crate) async fn handle_keys(
    bench: &Bench,
    keys: std::ops::Range<u128>,
    body: &str,
) -> Vec<Outcome> {
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
async fn what_may_not_be_tried_is_refused_with_the_reason() {
    let (bench, candidate) = beside("counter", "doubler", PluginSettings::default()).await;
    let why = |refused: Result<Candidate, ActError>| refused.unwrap_err().to_string();
    let serves = bench.registry.version(PLUGIN).expect("it serves");
    let refused = why(begin(&bench, &serves, canary(5.0)).await);
    assert!(refused.contains("serves already"), "{refused}");
    let refused = why(begin(&bench, "0123456789", canary(5.0)).await);
    assert!(refused.contains("no version `0123456789`"), "{refused}");
    begin(&bench, &candidate[..8], canary(5.0))
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

#[tokio::test]
async fn what_a_new_instance_costs_is_not_held_against_a_canary() {
    let (bench, candidate) = beside("counter", "counter", PluginSettings::default()).await;
    begin(&bench, &candidate, canary(100.0))
        .await
        .expect("it begins");
    let figures = |bench: &Bench| match status(bench).trial {
        Trial::Canary { candidate, .. } => candidate,
        Trial::Shadow { .. } => panic!("it is a canary"),
    };
    handle_keys(&bench, 0..1, "x").await;
    let first = figures(&bench);
    assert_eq!((first.messages, first.fuel_mean), (1, 0));
    handle_keys(&bench, 1..2, "x").await;
    let second = figures(&bench);
    assert_eq!(second.messages, 2);
    assert!(second.fuel_mean > 0, "by the same instance");
}
