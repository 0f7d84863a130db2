//! What calls use is counted, by message and by version, and nobody waits for those that use all.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use wasmill_model::routes::{CallLimits, Grants, Isolation, PluginSettings};
use wasmill_port::{Account, Accounts, Guests, Plugins};

use crate::support::{Bench, PLUGIN};

/// What `account` counts of the handler's calls that ended so.
fn handled(account: &Account, outcome: &str) -> u64 {
    let calls = account.calls.iter();
    let calls = calls.filter(|it| it.export == "handler" && it.outcome == outcome);
    calls.map(|it| it.count).sum()
}

#[tokio::test]
async fn a_message_has_a_bill_and_a_reused_instance_keeps_its_memory() {
    let bench = Bench::with("counter", PluginSettings::default()).await;
    let large = "x".repeat(3 << 20);
    let outcomes = bench.run(&["small", &large, "small"]).await;
    let bills: Vec<_> = outcomes
        .iter()
        .map(|it| it.call.expect("a call").used)
        .collect();
    let [first, second, third] = bills[..] else {
        panic!("{outcomes:?}")
    };
    assert_eq!((first.bytes_in, second.bytes_in), (5, 3 << 20));
    // The body and its topic; the state's entry.
    let out = |body: u64| body + "counted".len() as u64 + "seen1".len() as u64;
    assert_eq!((first.bytes_out, second.bytes_out), (out(5), out(3 << 20)));
    assert_eq!((first.host_calls, second.host_calls), (3, 3));
    assert!(first.memory_bytes >= 1 << 16);
    assert!(second.memory_grown_bytes >= 3 << 20);
    assert_eq!(
        second.memory_bytes,
        first.memory_bytes + second.memory_grown_bytes
    );
    assert_eq!(third.memory_bytes, second.memory_bytes, "it never shrinks");
    assert_eq!(third.memory_grown_bytes, 0);
}

#[tokio::test]
async fn with_an_instance_for_each_message_none_pays_for_another() {
    let settings = PluginSettings {
        isolation: Isolation::PerMessage,
        ..PluginSettings::default()
    };
    let bench = Bench::with("counter", settings).await;
    let large = "x".repeat(3 << 20);
    let outcomes = bench.run(&["small", &large, "small"]).await;
    let memory = |nth: usize| outcomes[nth].call.expect("a call").used.memory_bytes;
    assert!(memory(1) > memory(0));
    assert_eq!(memory(2), memory(0));
}

#[tokio::test]
async fn outcomes_are_counted_by_version() {
    let bench = Bench::with("refuse", PluginSettings::default()).await;
    for body in ["fine", "retry", "retry-after", "reject"] {
        bench.handle(body).await;
    }
    bench.install(PLUGIN, "counter").await.expect("it loads");
    bench.handle("fine").await;
    let accounts = bench.registry.accounts();
    let [old, new] = &accounts[..] else {
        panic!("{accounts:?}")
    };
    let counts = ["ok", "retry", "reject", "fault"].map(|outcome| handled(old, outcome));
    assert_eq!(counts, [1, 2, 1, 0]);
    assert_eq!(handled(new, "ok"), 1);
    assert!(old.fuel > 0 && old.host_calls == 8 && old.memory_bytes_max > 0);
    assert_eq!((old.bytes_in, new.bytes_in), (26, 4));
    let observed: u64 = old.handler_seconds.iter().map(|(_, count)| count).sum();
    assert_eq!(observed, 4);

    bench.registry.remove(&PLUGIN.into()).await;
    assert!(bench.registry.accounts().is_empty());
}

#[tokio::test]
async fn a_trap_is_a_fault() {
    let bench = Bench::with("trap", PluginSettings::default()).await;
    let outcome = bench.handle("x").await;
    assert!(outcome.call.expect("a call").called.fuel > 0);
    let accounts = bench.registry.accounts();
    assert_eq!(handled(&accounts[0], "fault"), 1);
}

#[tokio::test]
async fn what_a_start_used_is_billed_with_the_first_call_or_if_it_fails_by_itself() {
    let grants = Grants {
        files: true,
        ..Grants::default()
    };
    let settings = PluginSettings {
        grants,
        ..PluginSettings::default()
    };
    let bench = Bench::with("starter", settings.clone()).await;
    let fuel = async |bench: &Bench| {
        let outcome = bench.handle("x").await;
        outcome.call.expect("a bill").called.fuel
    };
    let (first, second) = (fuel(&bench).await, fuel(&bench).await);
    // It writes a file when it starts, and an entry of its state in each call.
    assert!(first > second, "{first} and {second}");

    let stop = bench.data().join("files").join(PLUGIN).join("stop");
    std::fs::write(stop, "").expect("a file");
    bench.registry.renew();
    let before = bench.registry.accounts()[0].fuel;
    let burnt = fuel(&bench).await;
    assert!(burnt > 0);
    assert_eq!(bench.registry.accounts()[0].fuel, before + burnt);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_that_burns_does_not_hold_up_a_neighbour() {
    const BURNERS: u64 = 500;
    const CALLS: u64 = 100;
    let limits = CallLimits {
        fuel_max: 1_000_000,
        deadline: Duration::from_secs(3_600),
        ..CallLimits::default()
    };
    let bench = Arc::new(Bench::new(PluginSettings {
        limits,
        ..PluginSettings::default()
    }));
    bench.install("slow", "endless_loop").await.expect("loads");
    bench.install("fast", "counter").await.expect("loads");
    let burnt = Arc::new(AtomicU64::new(0));
    let burners: Vec<_> = (0..BURNERS)
        .map(|_| {
            let (bench, burnt) = (bench.clone(), burnt.clone());
            tokio::spawn(async move {
                // Each call burns all its fuel, and there is always a next one.
                loop {
                    let run = bench.make_run("slow", &["x"], Duration::MAX);
                    bench.registry.handle(run).await;
                    burnt.fetch_add(1, Relaxed);
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    // In a task, as the host has it: this test's own thread is none of those that compute.
    let neighbour = tokio::spawn({
        let (bench, burnt) = (bench.clone(), burnt.clone());
        async move {
            while burnt.load(Relaxed) < BURNERS {
                tokio::task::yield_now().await;
            }
            let before = burnt.load(Relaxed);
            for _ in 0..CALLS {
                let run = bench.make_run("fast", &["x"], Duration::MAX);
                let outcomes = bench.registry.handle(run).await;
                assert!(outcomes[0].result.is_ok());
            }
            burnt.load(Relaxed) - before
        }
    });
    let between = neighbour.await.expect("all were handled");
    // One behind the other, each of the neighbour's calls would wait for all the burners' calls.
    assert!(
        between < CALLS * BURNERS / 10,
        "{between} calls of the burner during {CALLS} of the neighbour"
    );
    burners.iter().for_each(tokio::task::JoinHandle::abort);
    for burner in burners {
        assert!(burner.await.is_err_and(|error| error.is_cancelled()));
    }
    let run = bench.make_run("fast", &["x"], Duration::MAX);
    let outcomes = bench.registry.handle(run).await;
    assert!(outcomes[0].result.is_ok(), "dropped calls keep no seat");
}

#[tokio::test]
async fn a_plugins_handlers_are_as_many_at_once_as_it_may_have() {
    let server = crate::http::Server::held().await;
    let settings = PluginSettings {
        concurrency: 2,
        ..server.granted()
    };
    let bench = Arc::new(Bench::with("fetch", settings).await);
    let waiting: Vec<_> = (0..3)
        .map(|_| {
            let (bench, address) = (bench.clone(), server.address());
            tokio::spawn(async move { bench.handle(&address).await })
        })
        .collect();
    server.wait_for(2).await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(server.requests(), 2, "the third waits for one to end");
    server.answer();
    for outcome in waiting {
        assert!(outcome.await.expect("it ends").result.is_ok());
    }
    assert_eq!(server.requests(), 3);
}
