//! Scenarios that begin with state: that of an earlier version of the plugin is migrated.

use wasmill_component::{Capabilities, Manifest};

use crate::support::{World, routes};

/// States of before, of both versions, and one that cannot be migrated.
const STATES: &str = r#"
[[state]]
key = "old"
entries.seen.body = "3"

[[state]]
key = "new"
version = 2
entries.total.body = "7"

[[state]]
key = "bad"
version = 1
entries.seen.body = "poison"
"#;

const STEPS: &str = r#"
[[step]]
name = "a question sees the state of before as it is to be"
query = { key = "old" }
expect.answer = { status = 200, body = "3 false" }
expect.state.old = { seen.body = "3", total.absent = true }

[[step]]
name = "a state of before is migrated by the call that needs it"
send = { topic = "pay", key = "old", body = "a" }
expect.outcome = "ok"
expect.state.old = { seen.absent = true, total.body = "4" }

[[step]]
name = "one of the plugin's own version is left as it is"
send = { topic = "pay", key = "new", body = "b" }
expect.outcome = "ok"
expect.state.new.total.body = "8"

[[step]]
name = "one that cannot be migrated stays"
send = { topic = "pay", key = "bad", body = "c" }
expect.outcome = { reject = "poison" }
expect.state.bad = { seen.body = "poison", total.absent = true }
"#;

/// `tally`, which writes states of version 2.
fn world(steps: &str) -> World {
    let manifest = Manifest {
        name: "tally".to_owned(),
        version: "2".to_owned(),
        language: None,
        description: None,
        capabilities: Capabilities::default(),
        routes: None,
        state_version: 2,
    };
    let component = manifest.embed(&wasmill_test_guests::bytes("tally"));
    World::of("tally", &component, steps, &routes("tally"))
}

#[test]
fn a_plugin_migrates_the_state_that_a_scenario_begins_with() {
    let world = world(&format!("{STATES}{STEPS}"));
    let report = world.run();
    assert_eq!(report.differences(), 0, "{report}");
    // The state is there again in each run, and after each crash.
    let crashes = world.crash();
    assert!(crashes.are_harmless() && crashes.points > 10, "{crashes}");
}

#[test]
fn a_state_is_compared_even_if_nothing_writes_it() {
    let step = "[[step]]\nadvance = \"1s\"\nexpect.state.new.total.body = \"8\"\n";
    let report = world(&format!("{STATES}{step}")).run();
    let said = "DIFFERS state of key `new`, entry `total`\n    expected 8\n    actual   7";
    assert!(report.to_string().contains(said), "{report}");
}
