//! The wasmtime adapter against real components: those that behave, and those that do not.

mod account;
mod candidates;
mod chosen;
mod doors;
mod drafts;
mod grants;
mod handlers;
mod http;
mod limits;
mod loading;
mod migration;
mod secrets;
mod shadows;
mod storage;
mod support;
mod swap;
mod trials;
mod understudies;

#[test]
fn every_guest_is_used_by_a_test() {
    let tests = [
        include_str!("account.rs"),
        include_str!("candidates.rs"),
        include_str!("chosen.rs"),
        include_str!("doors.rs"),
        include_str!("drafts.rs"),
        include_str!("grants.rs"),
        include_str!("handlers.rs"),
        include_str!("http.rs"),
        include_str!("limits.rs"),
        include_str!("loading.rs"),
        include_str!("migration.rs"),
        include_str!("secrets.rs"),
        include_str!("shadows.rs"),
        include_str!("storage.rs"),
        include_str!("swap.rs"),
        include_str!("trials.rs"),
        include_str!("understudies.rs"),
        // Some are for tests of the whole host.
        include_str!("../../../../tests/it/hostile/cases.rs"),
        include_str!("../../../../tests/it/plugin_test.rs"),
        include_str!("../../../../tests/it/recall.rs"),
        include_str!("../../../../tests/it/timers.rs"),
        include_str!("../../../../tests/it/transactions.rs"),
        include_str!("../../../../tests/it/versions.rs"),
        include_str!("../../../trial/tests/it/crashes.rs"),
        include_str!("../../../trial/tests/it/scenarios.rs"),
        include_str!("../../../trial/tests/it/states.rs"),
    ]
    .concat();
    for guest in wasmill_test_guests::ALL {
        assert!(
            tests.contains(&format!("\"{guest}\"")),
            "no test uses `{guest}`"
        );
    }
}
