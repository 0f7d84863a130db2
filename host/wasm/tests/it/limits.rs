//! Guests that take too much of something are stopped at their limit, and the cause names it.

use std::sync::Arc;
use std::time::Duration;

use wasmill_model::FailureKind;
use wasmill_model::routes::{CallLimits, PluginSettings};
use wasmill_port::Guests;

use crate::support::{Bench, Log, effects, failure, written};

fn limited(limits: CallLimits) -> PluginSettings {
    PluginSettings {
        limits,
        ..PluginSettings::default()
    }
}

/// The cause for which a call of `guest` under `limits` is tried again.
async fn cause(guest: &str, limits: CallLimits) -> String {
    let bench = Bench::with(guest, limited(limits)).await;
    let failure = failure(bench.handle("x").await);
    assert_eq!(failure.kind, FailureKind::Retry);
    failure.cause
}

#[tokio::test]
async fn an_endless_loop_ends_when_its_fuel_is_burnt() {
    let limits = CallLimits {
        fuel_max: 5_000_000,
        ..CallLimits::default()
    };
    let bench = Bench::with("endless_loop", limited(limits)).await;
    let outcome = bench.handle("x").await;
    let fuel = outcome.call.expect("a bill").called.fuel;
    // The first call of an instance pays for its start, too.
    assert!((5_000_000..5_100_000).contains(&fuel), "{fuel}");
    let cause = failure(outcome).cause;
    assert!(
        cause.contains("out of fuel") && cause.contains("5000000"),
        "{cause}"
    );
    assert!(
        cause.contains("endless_loop"),
        "the place is named: {cause}"
    );
}

#[tokio::test]
async fn an_endless_loop_with_fuel_enough_ends_at_its_deadline() {
    let deadline = Duration::from_millis(50);
    let limits = CallLimits {
        fuel_max: u64::MAX / 2,
        deadline,
        ..CallLimits::default()
    };
    let cause = cause("endless_loop", limits).await;
    assert!(cause.contains("ran past its `deadline` of 50ms"), "{cause}");
}

#[tokio::test]
async fn a_guest_that_sleeps_past_its_deadline_is_given_up() {
    let limits = CallLimits {
        deadline: Duration::from_millis(50),
        ..CallLimits::default()
    };
    let cause = cause("sleeper", limits).await;
    assert!(cause.contains("`deadline` of 50ms"), "{cause}");
}

#[tokio::test]
async fn an_endless_loop_lets_the_others_on_its_thread_run() {
    let limits = CallLimits {
        fuel_max: u64::MAX / 2,
        deadline: Duration::from_secs(3_600),
        ..CallLimits::default()
    };
    let bench = Arc::new(Bench::with("endless_loop", limited(limits)).await);
    let t0 = std::time::Instant::now();
    bench.install("fast", "counter").await.unwrap();
    let looping = tokio::spawn({
        let bench = bench.clone();
        async move { bench.handle("x").await }
    });
    tokio::task::yield_now().await;
    // On a runtime of one thread these would never be reached if the loop kept it.
    for _ in 0..10 {
        let run = bench.make_run("fast", &["a"], Duration::MAX);
        assert!(bench.registry.handle(run).await[0].result.is_ok());
        tokio::task::yield_now().await;
    }
    eprintln!("TOOK {:?}", t0.elapsed());
    assert!(!looping.is_finished());
    looping.abort();
}

#[tokio::test]
async fn a_memory_hog_ends_at_the_limit_of_its_instance() {
    let limits = CallLimits {
        memory_bytes_max: 16 << 20,
        ..CallLimits::default()
    };
    let cause = cause("memory_hog", limits).await;
    assert!(
        cause.contains("out of memory") && cause.contains("16777216"),
        "{cause}"
    );
    assert!(
        cause.contains("memory_hog::"),
        "the place is named: {cause}"
    );
}

#[tokio::test]
async fn memories_and_tables_count_together_against_the_limit() {
    let bench = Bench::new(limited(CallLimits {
        memory_bytes_max: 3 << 20,
        ..CallLimits::default()
    }));
    let memories = wat("(memory 16) (memory 16) (memory 16) (memory 16)");
    let cause = bench.refusal(&memories).await;
    assert!(cause.contains("does not start: out of memory"), "{cause}");
    let tables = wat(&"(table 60000 funcref) ".repeat(8));
    let cause = bench.refusal(&tables).await;
    assert!(cause.contains("does not start: out of memory"), "{cause}");
    let cause = bench.refusal(&wat("(memory 16) (memory 16)")).await;
    assert!(
        !cause.contains("out of memory"),
        "what is within the limit starts: {cause}"
    );
}

#[tokio::test]
async fn there_is_a_limit_to_how_many_memories_and_tables_a_component_has() {
    let bench = Bench::new(PluginSettings::default());
    let cause = bench.refusal(&wat(&"(memory 0) ".repeat(100))).await;
    assert!(cause.contains("memories"), "{cause}");
    let cause = bench.refusal(&wat(&"(table 0 funcref) ".repeat(200))).await;
    assert!(cause.contains("tables"), "{cause}");
}

#[tokio::test]
async fn endless_recursion_ends_with_the_stack() {
    let cause = cause("recursion", CallLimits::default()).await;
    assert!(cause.contains("stack overflow"), "{cause}");
    assert!(
        cause.contains("recursion::descend"),
        "the place is named: {cause}"
    );
}

#[tokio::test]
async fn a_million_sends_are_refused_after_the_limit_and_nothing_is_sent() {
    let bench = Bench::with("flood", PluginSettings::default()).await;
    let heeding = failure(bench.handle("heed").await).cause;
    assert!(
        heeding.contains("sends per call") && heeding.contains("1000"),
        "{heeding}"
    );
    let heedless = failure(bench.handle("go on").await).cause;
    assert!(
        heedless.contains("more than 100000 calls of host functions"),
        "{heedless}"
    );
}

#[tokio::test]
async fn a_body_of_100_mib_is_refused_and_the_guest_lives_on() {
    let limits = CallLimits {
        memory_bytes_max: 256 << 20,
        ..CallLimits::default()
    };
    let bench = Bench::with("huge_body", limited(limits)).await;
    let effects = effects(bench.handle("x").await);
    let size = 100 << 20;
    assert_eq!(
        written(&effects, "refused"),
        format!("body bytes: {size} of 4194304")
    );
    assert!(effects.sends.is_empty());
}

#[tokio::test]
async fn a_chatterer_is_cut_short_and_its_rate_is_limited() {
    let bench = Bench::with("chatter", PluginSettings::default()).await;
    let log = Log::default();
    let told = log.collect();
    effects(bench.handle("x").await);
    drop(told);

    let log = log.text();
    for part in [
        "to standard output",
        "to standard error",
        "to the log",
        "plugin=\"plugin\"",
    ] {
        assert!(log.contains(part), "no {part:?} in the log");
    }
    let longest = log.lines().map(str::len).max().unwrap();
    assert!(longest < 9_000, "a line of {longest} bytes");
    assert!(
        log.lines().count() <= 1_001,
        "{} lines",
        log.lines().count()
    );
}

/// A component around a core module with these fields.
fn wat(fields: &str) -> Vec<u8> {
    crate::loading::component("", fields)
}
