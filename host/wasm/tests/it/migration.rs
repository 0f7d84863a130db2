//! States that an earlier version of a plugin wrote, by a guest that reads them: what it does with
//! them is part of the call, or of nothing.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use wasmill_component::{Capabilities, Manifest};
use wasmill_model::effects::{Effects, FailureKind, Outcome};
use wasmill_model::http::Request;
use wasmill_model::reserved::SCHEMA;
use wasmill_model::routes::PluginSettings;
use wasmill_model::{Name, http};
use wasmill_port::{Accounts, Guests, Plugins, Run};

use crate::support::{Bench, PLUGIN, effects, failure, written};

const VERSION_2: &str = "\0\0\0\u{2}";

/// `guest` in service, writing states of version 2.
async fn bench(guest: &str) -> Bench {
    let manifest = Manifest {
        name: PLUGIN.to_owned(),
        version: "2".to_owned(),
        language: None,
        description: None,
        capabilities: Capabilities::default(),
        routes: None,
        state_version: 2,
    };
    let component = manifest.embed(&wasmill_test_guests::bytes(guest));
    let bench = Bench::new(PluginSettings::default());
    let file = component.as_slice().into();
    bench
        .registry
        .install(&PLUGIN.into(), file)
        .await
        .expect("the guest loads");
    bench
}

/// Handles a message of a key with this state.
async fn handle(bench: &Bench, body: &str, state: &[(&str, &str)]) -> Outcome {
    let entry = |(name, value): &(&str, &str)| {
        let value = Bytes::copy_from_slice(value.as_bytes());
        (Name::from(*name), Some(value))
    };
    let recent = state.iter().map(entry).collect();
    let delivery = crate::support::delivery(0, body);
    let run = Run::new(
        bench.context(),
        PLUGIN.into(),
        vec![delivery],
        Arc::new(recent),
        Duration::MAX,
    );
    let mut outcomes = bench.registry.handle(run).await;
    outcomes.remove(0)
}

fn request() -> Request {
    Request {
        method: "GET".into(),
        path: "/".into(),
        params: Vec::new(),
        query: Vec::new(),
        headers: Vec::new(),
        body: Bytes::new(),
    }
}

/// What became of an entry; none if it was not written.
fn write_of(effects: &Effects, name: &str) -> Option<Option<Bytes>> {
    let mut writes = effects.writes.iter();
    writes
        .find(|(it, _)| it == name)
        .map(|(_, value)| value.clone())
}

#[tokio::test]
async fn a_state_of_before_is_migrated_in_the_call_that_needs_it() {
    let bench = bench("tally").await;
    let done = effects(handle(&bench, "x", &[("seen", "3")]).await);
    assert_eq!(
        (written(&done, "total"), written(&done, SCHEMA)),
        ("4".into(), VERSION_2.into())
    );
    assert_eq!(write_of(&done, "seen"), Some(None));

    let current = [("total", "4"), (SCHEMA, VERSION_2)];
    let done = effects(handle(&bench, "x", &current).await);
    assert_eq!(written(&done, "total"), "5");
    assert_eq!(write_of(&done, SCHEMA), None, "it is there already");
}

#[tokio::test]
async fn the_version_of_a_state_comes_and_goes_with_it() {
    let bench = bench("tally").await;
    let done = effects(handle(&bench, "x", &[]).await);
    assert_eq!(
        (written(&done, "total"), written(&done, SCHEMA)),
        ("1".into(), VERSION_2.into())
    );
    let current = [("total", "4"), (SCHEMA, VERSION_2)];
    let done = effects(handle(&bench, "forget", &current).await);
    assert_eq!(write_of(&done, SCHEMA), Some(None));
}

#[tokio::test]
async fn a_migration_that_fails_fails_the_call() {
    let bench = bench("tally").await;
    let failed = failure(handle(&bench, "x", &[("seen", "poison")]).await);
    assert_eq!(failed.kind, FailureKind::Reject);
    assert!(
        failed.cause.contains("poison cannot be migrated"),
        "{}",
        failed.cause
    );
    let failed = failure(handle(&bench, "x", &[(SCHEMA, "\0\0\0\0"), ("seen", "1")]).await);
    assert!(
        failed.cause.contains("version 0 is unknown"),
        "{}",
        failed.cause
    );

    let unable = self::bench("counter").await;
    let failed = failure(handle(&unable, "x", &[("seen", "1")]).await);
    assert!(
        failed.cause.contains("exports no `migrate`"),
        "{}",
        failed.cause
    );
}

#[tokio::test]
async fn a_state_of_a_later_version_is_not_touched() {
    let bench = bench("tally").await;
    let later = [("total", "4"), (SCHEMA, "\0\0\0\u{3}")];
    let failed = failure(handle(&bench, "x", &later).await);
    let both = "version 3 of its schema, and the plugin reads 2";
    assert!(failed.cause.contains(both), "{}", failed.cause);
    let refused = bench.registry.answer(bench.state(&later), request()).await;
    let refused = refused.expect_err("it is not read").to_string();
    assert!(refused.contains(both), "{refused}");
    // Nothing was called, so nothing was burnt.
    let before = bench.registry.accounts()[0].fuel;
    let current = [("total", "4"), (SCHEMA, VERSION_2)];
    let answer = bench
        .registry
        .answer(bench.state(&current), request())
        .await;
    answer.expect("the same instance answers");
    let burnt = bench.registry.accounts()[0].fuel - before;
    let refused = bench.registry.answer(bench.state(&later), request()).await;
    refused.expect_err("it is not read");
    let after = bench.registry.accounts()[0].fuel;
    assert_eq!(after, before + burnt, "the call before is not billed again");
}

#[tokio::test]
async fn a_query_sees_the_state_migrated_and_leaves_it() {
    let bench = bench("tally").await;
    let state = bench.state(&[("seen", "3")]);
    let answer = bench.registry.answer(state, request()).await;
    let http::Response { body, .. } = answer.expect("it answers");
    assert_eq!(body, "3 false");
    let poisoned = bench.state(&[("seen", "poison")]);
    let failed = bench.registry.answer(poisoned, request()).await;
    let failed = failed.expect_err("it cannot be migrated").to_string();
    assert!(failed.contains("`migrate` failed: poison"), "{failed}");
}
