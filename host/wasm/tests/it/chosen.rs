//! Versions that are chosen for single messages: they handle these whatever serves, or nobody does;
//! and what one would do is told without being done.

use std::sync::Arc;
use std::time::Duration;

use wasmill_component::{Capabilities, Manifest};
use wasmill_model::effects::Outcome;
use wasmill_model::routes::{Grants, PluginSettings};
use wasmill_model::{FailureKind, Name};
use wasmill_port::chosen::{Choose, Chosen, Rehearsed};
use wasmill_port::plugins::Action;
use wasmill_port::{Accounts, Delivery, Guests, Plugins, Run};

use crate::candidates::beside;
use crate::http::Server;
use crate::support::{Bench, PLUGIN, delivery, effects, failure, written};

/// A run of one message, for this version.
pub(crate) fn run(bench: &Bench, body: &str, version: Option<&str>) -> Run {
    let plain = delivery(0, body);
    let delivery = Delivery {
        message: plain.message.chosen_for(version.map(Name::from).as_ref()),
        ..plain
    };
    let (context, recent) = (bench.context(), Arc::default());
    Run::new(
        context,
        PLUGIN.into(),
        vec![delivery],
        recent,
        Duration::MAX,
    )
}

pub(crate) async fn handle(bench: &Bench, version: Option<&str>) -> Outcome {
    let mut outcomes = bench.registry.handle(run(bench, "x", version)).await;
    assert_eq!(outcomes.len(), 1);
    outcomes.remove(0)
}

pub(crate) async fn rehearse(bench: &Bench, version: Option<&str>, body: &str) -> Rehearsed {
    let chosen = bench.registry.choose(&PLUGIN.into(), version).await;
    let chosen = chosen.unwrap_or_else(|why| panic!("{why}"));
    chosen.rehearse(run(bench, body, None)).await
}

/// Why a version cannot be chosen.
pub(crate) async fn refused(bench: &Bench, version: &str) -> String {
    let chosen = bench.registry.choose(&PLUGIN.into(), Some(version)).await;
    chosen.err().expect("it is refused").to_string()
}

/// Asserts that a message for this version fails for good, for this reason.
async fn fails_for_good(bench: &Bench, version: &str, why: &str) {
    let failure = failure(handle(bench, Some(version)).await);
    assert_eq!(failure.kind, FailureKind::Reject);
    assert!(failure.cause.contains(version), "{}", failure.cause);
    assert!(failure.cause.contains(why), "{}", failure.cause);
}

#[tokio::test]
async fn a_message_is_handled_by_the_version_that_was_chosen_for_it_and_others_by_the_one_that_serves()
 {
    let (bench, chosen) = beside("counter", "doubler", PluginSettings::default()).await;
    for (version, seen) in [(None, "1"), (Some(&*chosen), "2"), (None, "1")] {
        let outcome = handle(&bench, version).await;
        let by = outcome.call.expect("it was called").called.version;
        let hash = match version {
            Some(version) => version.to_owned(),
            None => bench.registry.version(PLUGIN).expect("it serves"),
        };
        assert_eq!(by.to_string(), hash[..12]);
        assert_eq!(written(&effects(outcome), "seen"), seen);
    }

    // A restart, and another version in service, change nothing of that.
    let Bench { data, .. } = bench;
    let bench = Bench::over(data, PluginSettings::default());
    let restored = bench.registry.restore(&PLUGIN.into()).await;
    restored.expect("it serves");
    assert_eq!(
        written(&effects(handle(&bench, Some(&chosen)).await), "seen"),
        "2"
    );
}

#[tokio::test]
async fn a_version_that_cannot_be_had_fails_the_message_and_no_other_handles_it() {
    let (bench, chosen) = beside("counter", "doubler", PluginSettings::default()).await;
    let unknown = "0".repeat(64);
    fails_for_good(&bench, &unknown, "is kept any more").await;
    let file = bench.data().join("plugins").join(format!("{chosen}.wasm"));
    std::fs::remove_file(file).expect("it was kept");
    // A disk that is of no use now may be of use later.
    let unread = failure(handle(&bench, Some(&chosen)).await);
    assert_eq!(unread.kind, FailureKind::Retry);
    assert!(unread.cause.contains("cannot be read"), "{}", unread.cause);

    // Nobody handles anything of a plugin that is not in service.
    let disabled = bench.registry.act(&PLUGIN.into(), Action::Disable).await;
    disabled.expect("it is disabled");
    let failure = failure(handle(&bench, Some(&chosen)).await);
    assert_eq!(failure.kind, FailureKind::Unavailable);
}

#[tokio::test]
async fn changed_settings_hold_for_a_chosen_version_too() {
    let (bench, chosen) = beside("counter", "doubler", PluginSettings::default()).await;
    assert_eq!(
        written(&effects(handle(&bench, Some(&chosen)).await), "seen"),
        "2"
    );
    let mut settings = PluginSettings::default();
    settings.limits.fuel_max = 1;
    bench.registry.set_routes(crate::support::routes(settings));
    let failure = failure(handle(&bench, Some(&chosen)).await);
    assert!(failure.cause.contains("fuel"), "{}", failure.cause);
}

#[tokio::test]
async fn a_rehearsal_tells_what_would_be_done_and_a_fault_as_one() {
    let (bench, chosen) = beside("counter", "doubler", PluginSettings::default()).await;
    let told = rehearse(&bench, None, "x").await;
    assert_eq!(written(&effects(told.outcome), "seen"), "1");
    let told = rehearse(&bench, Some(&chosen[..8]), "x").await;
    assert!(!told.is_fault && told.requests.is_empty());
    let done = effects(told.outcome);
    assert_eq!((written(&done, "seen"), done.sends.len()), ("2".into(), 1));

    let (bench, chosen) = beside("counter", "trap", PluginSettings::default()).await;
    let told = rehearse(&bench, Some(&chosen), "x").await;
    assert!(told.is_fault && told.outcome.result.is_err(), "{told:?}");
}

#[tokio::test]
async fn a_rehearsal_is_counted_as_that_and_not_as_a_failure_of_what_serves() {
    let (bench, chosen) = beside("refuse", "refuse", PluginSettings::default()).await;
    for version in [None, Some(&*chosen)] {
        let told = rehearse(&bench, version, "retry").await;
        assert!(told.outcome.result.is_err(), "{told:?}");
    }
    let handled = || bench.registry.standing(PLUGIN).expect("known").handled;
    assert_eq!((handled().calls, handled().failed), (0, 0));
    let accounts = bench.registry.accounts();
    let counted = accounts.iter().flat_map(|it| &it.calls);
    let counted: Vec<_> = counted
        .map(|it| (it.export, it.outcome, it.count))
        .collect();
    assert_eq!(counted, [("preview", "retry", 1); 2]);
    failure(bench.handle("retry").await);
    assert_eq!((handled().calls, handled().failed), (1, 1));
}

#[tokio::test]
async fn a_rehearsal_leaves_nothing_outside_of_the_host() {
    let server = Server::held().await;
    server.answer();
    let (bench, chosen) = beside("counter", "fetch", server.granted()).await;
    let told = rehearse(&bench, Some(&chosen), &server.address()).await;
    assert_eq!(server.requests(), 0);
    let request = format!("GET http://{}/", server.address());
    assert_eq!((told.requests, told.requests_count), (vec![request], 1));

    let files = PluginSettings {
        grants: Grants {
            files: true,
            ..Grants::default()
        },
        ..PluginSettings::default()
    };
    let (bench, chosen) = beside("counter", "files", files).await;
    let told = rehearse(&bench, Some(&chosen), "file").await;
    assert!(told.lacks_files && told.outcome.result.is_err(), "{told:?}");
    assert!(
        !bench
            .data()
            .join("files")
            .join(PLUGIN)
            .join("file")
            .exists()
    );
}

/// A bench where `counter` serves, and the hash of another build with this manifest beside it.
async fn beside_one_that_says(
    settings: PluginSettings,
    capabilities: Capabilities,
    state_version: u32,
) -> (Bench, String) {
    let bench = Bench::with("counter", settings).await;
    let pin = Action::Pin { version: None };
    let pinned = bench.registry.act(&PLUGIN.into(), pin).await;
    pinned.expect("it is pinned");
    let manifest = Manifest {
        name: PLUGIN.to_owned(),
        version: "2".to_owned(),
        language: None,
        description: None,
        capabilities,
        routes: None,
        state_version,
    };
    let file = manifest.embed(&wasmill_test_guests::bytes("tally"));
    let name = PLUGIN.into();
    let installed = bench.registry.install(&name, file.as_slice().into()).await;
    let held = installed.expect("it is kept").held;
    (bench, held.expect("the pin holds it").version)
}

#[tokio::test]
async fn what_must_not_handle_messages_beside_another_version_is_refused_with_the_reason() {
    let (bench, other) =
        beside_one_that_says(PluginSettings::default(), Capabilities::default(), 2).await;
    let why = refused(&bench, &other).await;
    assert!(
        why.contains("can share a state of one schema only"),
        "{why}"
    );
    fails_for_good(&bench, &other, "can share a state of one schema only").await;
    let why = refused(&bench, "0123456789").await;
    assert!(why.contains("no version `0123456789`"), "{why}");

    let asks = Capabilities {
        files: true,
        ..Capabilities::default()
    };
    let (bench, asking) = beside_one_that_says(PluginSettings::default(), asks, 1).await;
    let why = refused(&bench, &asking).await;
    assert!(why.contains("approve it first"), "{why}");
    fails_for_good(&bench, &asking, "approve it first").await;
    let approve = Action::Approve {
        version: asking.clone(),
    };
    let approved = bench.registry.act(&PLUGIN.into(), approve).await;
    approved.expect("it is approved");
    let chosen = bench.registry.choose(&PLUGIN.into(), Some(&asking)).await;
    assert_eq!(chosen.expect("it is chosen").hash(), asking);
}
