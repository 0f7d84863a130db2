//! Handlers: what they do becomes effects, and how they fail decides what comes next.

use std::time::Duration;

use wasmill_model::FailureKind;
use wasmill_model::record::CodeVersion;
use wasmill_model::routes::{Isolation, PluginSettings};
use wasmill_port::Guests;

use crate::support::{Bench, Log, NOW, PLUGIN, effects, failure, written};

#[tokio::test]
async fn a_run_goes_through_its_messages_and_each_sees_the_writes_before_it() {
    let bench = Bench::with("counter", PluginSettings::default()).await;
    let outcomes = bench.run(&["a", "b", "c"]).await;
    assert_eq!(outcomes.len(), 3);
    for (index, outcome) in outcomes.into_iter().enumerate() {
        let call = outcome.call.expect("a call").called;
        assert!(call.fuel > 0, "a call costs fuel");
        assert_ne!(
            call.version,
            CodeVersion::of_hash(""),
            "the code has a version"
        );
        let effects = effects(outcome);
        assert_eq!(written(&effects, "seen"), (index + 1).to_string());
        assert_eq!(effects.sends.len(), 1);
        assert_eq!(&effects.sends[0].message.body[..], [b"abc"[index]]);
    }
}

#[tokio::test]
async fn a_fresh_instance_for_each_message_does_the_same() {
    let settings = PluginSettings {
        isolation: Isolation::PerMessage,
        ..PluginSettings::default()
    };
    let bench = Bench::with("counter", settings).await;
    let mut outcomes = bench.run(&["a", "b"]).await;
    assert_eq!(written(&effects(outcomes.remove(1)), "seen"), "2");
}

#[tokio::test]
async fn each_kind_of_failure_reaches_the_subscription_and_undoes_the_call() {
    let bench = Bench::with("refuse", PluginSettings::default()).await;
    let kinds = [
        ("retry", FailureKind::Retry),
        (
            "retry-after",
            FailureKind::RetryAfter(Duration::from_millis(1_500)),
        ),
        ("reject", FailureKind::Reject),
    ];
    for (body, kind) in kinds {
        let failure = failure(bench.handle(body).await);
        assert_eq!((failure.kind, failure.cause.as_str()), (kind, "as asked"));
    }
    let effects = effects(bench.handle("fine").await);
    assert_eq!((effects.writes.len(), effects.sends.len()), (1, 1));
}

#[tokio::test]
async fn a_send_waits_for_as_long_as_its_delay_level_says() {
    let bench = Bench::with("delayer", PluginSettings::default()).await;
    let effects = effects(bench.handle("3").await);
    assert_eq!(effects.delayed[0].due, NOW + Duration::from_secs(10));
    for level in ["0", "19"] {
        let cause = failure(bench.handle(level).await).cause;
        let said = format!("delay level {level} is not from 1");
        assert!(cause.contains(&said), "{cause}");
    }
}

#[tokio::test]
async fn a_run_stops_at_the_first_message_that_fails() {
    let bench = Bench::with("refuse", PluginSettings::default()).await;
    let outcomes = bench.run(&["fine", "retry", "fine"]).await;
    assert_eq!(outcomes.len(), 2);
    assert!(outcomes[0].result.is_ok() && outcomes[1].result.is_err());
}

#[tokio::test]
async fn a_run_whose_time_is_up_hands_the_rest_back() {
    let bench = Bench::with("counter", PluginSettings::default()).await;
    let run = bench.make_run(PLUGIN, &["a", "b", "c"], Duration::ZERO);
    assert_eq!(bench.registry.handle(run).await.len(), 1);
}

#[tokio::test]
async fn a_plugin_that_is_not_there_costs_no_attempt() {
    let bench = Bench::new(PluginSettings::default());
    let failure = failure(bench.handle("a").await);
    assert_eq!(failure.kind, FailureKind::Unavailable);
    assert!(
        failure.cause.contains("`plugin` is not in service"),
        "{}",
        failure.cause
    );
}

#[tokio::test]
async fn a_trap_tells_the_panic_and_where_it_was_and_the_next_call_is_well() {
    let bench = Bench::with("trap", PluginSettings::default()).await;
    let failure = failure(bench.handle("bad").await);
    assert_eq!(failure.kind, FailureKind::Retry);
    for part in [
        "the guest trapped",
        "is not fine",
        "at decide (",
        "trap.rs:",
    ] {
        assert!(
            failure.cause.contains(part),
            "no {part:?} in: {}",
            failure.cause
        );
    }
    effects(bench.handle("fine").await);
}

#[tokio::test]
async fn failures_that_no_other_one_follows_are_told_of_when_their_time_is_over() {
    let (log, bench) = (
        Log::default(),
        Bench::with("refuse", PluginSettings::default()).await,
    );
    let collected = log.collect();
    for _ in 0..5 {
        failure(bench.handle("retry").await);
    }
    let count = |what: &str| log.text().lines().filter(|it| it.contains(what)).count();
    assert_eq!(count("the handler failed"), 3);
    tokio::time::pause();
    tokio::time::sleep(Duration::from_secs(60)).await;
    drop(collected);
    assert_eq!(count("more calls of the handler failed"), 1);
    assert_eq!(count("untold=2"), 1, "{}", log.text());
}
