//! What scenarios tell: effects, differences, and what is wrong with them.

use wasmill_trial::{Error, Scenario, Trial};

use crate::support::{World, pays, routes};

const ALL_RIGHT: &str = r#"
[[http]]
method = "POST"
url = "http://bank.example:8080/*"

[[step]]
name = "a payment"
send = { topic = "pay", key = "k", body = "a bank.example:8080" }
expect.outcome = "ok"
expect.sent = [ { topic = "told", key = "k", json = { for = "a", say = "thanks" } } ]
expect.state.k = { paid = { body = "a;" } }
expect.timers.k = [ { name = "idle", in = "1h", topic = "idle" } ]
expect.logs = [ { level = "info", text = "paid a" } ]
expect.http = [ { method = "POST", url = "http://bank.example:8080/charge" } ]

[[step]]
name = "the same again does nothing"
send = { topic = "pay", key = "k", body = "a" }
expect = { outcome = "ok", sent = [], logs = [], http = [], state.k.paid.body = "a;" }

[[step]]
name = "time goes by"
advance = "30m"
expect = { outcome = [], timers.k = [ { name = "idle", in = "30m" } ] }

[[step]]
name = "another payment sets the timer anew, under another config"
config = { thanks = "merci" }

[[step]]
send = { topic = "pay", key = "k", body = "b" }
expect.sent = [ { topic = "told", json = { for = "b", say = "merci" } } ]
expect.timers.k = [ { name = "idle", in = "1h" } ]

[[step]]
name = "a body that is none"
send = { topic = "pay", key = "k", body = "" }
expect.outcome = { reject = "`id`" }

[[step]]
name = "no key"
send = { topic = "pay", body = "c" }
expect.outcome = { reject = "key" }

[[step]]
name = "the bank is down: retries, then a dead letter"
send = { topic = "pay", key = "other", body = "d bank.example:8080" }
http = [ { method = "POST", url = "http://bank.example:8080/charge", status = 503 } ]
expect = { outcome = { retry = "503" }, state.other.paid.absent = true, sent = [] }

[[step]]
advance = "10s"
http = [ { method = "POST", url = "http://bank.example:8080/charge", status = 503 } ]
expect.outcome = [ "retry", { dead-letter = "503" } ]

[[step]]
name = "the timer rings"
advance = "2h"
expect.outcome = "ok"
expect.sent = [ { topic = "told", body = "idle" } ]
expect.state.k.paid.absent = true
expect.timers.k = []
"#;

#[test]
fn a_plugin_that_is_right_does_as_expected_and_a_crash_changes_nothing() {
    let world = World::new("teller", ALL_RIGHT);
    let report = world.run();
    assert_eq!(report.differences(), 0, "{report}");
    assert_eq!(
        report.to_string(),
        world.run().to_string(),
        "the same again"
    );

    let crashes = world.crash();
    assert!(crashes.are_harmless(), "{crashes}");
    let handled: Vec<_> = report.steps.iter().flat_map(|it| &it.handled).collect();
    let places: usize = handled.iter().map(|it| it.host_calls.len() + 2).sum();
    assert_eq!(crashes.points, places as u64);
    // After each place behind the request, of the message that came through and of that which did not.
    let repeated = crashes
        .repeated
        .values()
        .next()
        .expect("the bank was asked");
    assert!(repeated.times > 5, "{crashes}");
    assert_eq!(repeated.without_same_key, 0, "{crashes}");
}

#[test]
fn what_is_not_as_expected_is_told_with_what_is() {
    let steps = r#"
[[step]]
send = { topic = "pay", key = "k", body = "a" }
expect.outcome = { retry = "no" }
expect.sent = [ { topic = "tld", key = "K", json = { for = "b" } }, { topic = "more" } ]
expect.state.k = { paid = { body = "b;" }, other = { json = 1 } }
expect.timers.k = [ { name = "idle", in = "2h" } ]
expect.logs = [ { level = "warn" } ]
expect.http = [ { method = "GET", url = "http://a/" } ]
"#;
    let report = World::new("teller", steps).run();
    let text = report.to_string();
    for said in [
        "DIFFERS outcome, number 1\n    expected retry: ...no...\n    actual   ok",
        "DIFFERS sent, number 1: topic\n    expected tld\n    actual   told",
        "DIFFERS sent, number 1: key\n    expected K\n    actual   k",
        "DIFFERS sent, number 1: body\n    expected {\"for\":\"b\"}\n    actual   {\"say\": \"thanks\"",
        "DIFFERS sent, number 2\n    expected more\n    actual   nothing",
        "DIFFERS state of key `k`, entry `other`\n    expected 1\n    actual   absent",
        "DIFFERS state of key `k`, entry `paid`\n    expected b;\n    actual   a;",
        "DIFFERS timers of key `k`, number 1: in\n    expected 2h\n    actual   1h",
        "DIFFERS logs, number 1\n    expected warn\n    actual   info: k paid a",
        "DIFFERS http, number 1\n    expected GET http://a/\n    actual   nothing",
        "1 steps, 1 messages handled: 1 not as expected",
    ] {
        assert!(text.contains(said), "no {said:?} in\n{text}");
    }
}

#[test]
fn random_numbers_ids_and_times_come_again_with_their_message() {
    let world = World::new("draws", &pays(&["a", "b", "c"]));
    assert_eq!(world.run().to_string(), world.run().to_string());
    let crashes = world.crash();
    assert!(crashes.are_harmless(), "{crashes}");
    let told: Vec<_> = world
        .run()
        .steps
        .iter()
        .map(|it| it.handled[0].effects[0].clone())
        .collect();
    assert!(told[0] != told[1] && told[1] != told[2], "{told:?}");
    assert!(told[0].ends_with(" 1767225600"), "{told:?}");
}

#[test]
fn a_request_without_an_answer_is_refused_and_told() {
    let report = World::new("teller", &pays(&["a bank.example:8080"])).run();
    let text = report.to_string();
    assert!(
        text.contains("refused: no answer is prepared in the scenario"),
        "{text}"
    );
    assert!(text.contains("retry: "), "{text}");
}

#[test]
fn what_is_not_granted_is_refused_whatever_answers_are_prepared() {
    let steps = format!(
        "[[http]]\nmethod = \"POST\"\nurl = \"http://*\"\n{}expect.outcome = \"retry\"\nexpect.http = []\n",
        pays(&["a evil.example:8080"])
    );
    let report = World::new("teller", &steps).run();
    assert_eq!(report.differences(), 0, "{report}");
}

#[test]
fn what_a_host_refuses_and_routes_without_the_plugin_are_errors() {
    let steps = "[[step]]\nsend = { topic = \"nowhere\" }\n";
    let Err(Error::Refused { line, why }) = World::new("teller", steps).trial.run() else {
        panic!("it was taken")
    };
    assert_eq!(line, 2);
    assert!(why.contains("`nowhere` is not declared"), "{why}");

    let scenario =
        Scenario::parse("routes = \"r\"\n[[step]]\nadvance = \"1s\"").expect("a scenario");
    let routes = wasmill_routes::parse(&routes("teller")).expect("routes");
    let data = tempfile::tempdir().expect("a directory");
    let bytes = wasmill_test_guests::bytes("teller");
    let refused = Trial::new("other", &bytes, scenario, &routes, data.path().to_owned());
    let error = refused.err().expect("it has nothing to do").to_string();
    assert!(
        error.contains("no subscription of plugin `other`"),
        "{error}"
    );
}

#[test]
fn a_message_that_the_plugin_never_gets_is_named() {
    let steps = "[[step]]\nadvance = \"1s\"\n[[step]]\nsend = { topic = \"told\" }\n";
    let scenario = Scenario::parse(&format!("routes = \"r\"\n{steps}")).expect("a scenario");
    let routes = wasmill_routes::parse(&routes("teller")).expect("routes");
    let data = tempfile::tempdir().expect("a directory");
    let bytes = wasmill_test_guests::bytes("teller");
    let refused = Trial::new("teller", &bytes, scenario, &routes, data.path().to_owned());
    let error = refused.err().expect("nothing would be shown").to_string();
    let said = "the step in line 4 sends to `told`, which no subscription of plugin `teller`";
    assert!(error.contains(said), "{error}");
}

#[test]
fn a_step_that_never_ends_is_ended() {
    let steps = pays(&["a"]) + "[[step]]\nadvance = \"365d\"\n";
    let world = World::new("ticks", &steps);
    let error = world.trial.run().expect_err("it never ends").to_string();
    assert!(
        error.contains("more than 100000 calls and due times"),
        "{error}"
    );
}

#[test]
fn schedules_run_from_the_first_step_on() {
    let routes = routes("teller")
        + "[schedules.tick]\ncron = \"* * * * * *\"\ntopic = \"idle\"\nkey = \"k\"\n";
    let steps = "[[step]]\nadvance = \"3s\"\nexpect.outcome = [\"ok\", \"ok\", \"ok\"]\n";
    let report = World::with_routes("teller", steps, &routes).run();
    assert_eq!(report.differences(), 0, "{report}");
}

#[test]
fn names_of_the_plugin_do_not_steer_the_terminal() {
    let world = World::new("tail", &pays(&["a", "b"]));
    let told = world.run().to_string();
    for said in [
        "state long\\u{1b}[2J = xxx",
        "... (1001 bytes)",
        "claimed claim\\u{1b}[2J0",
        "tag tag\\u{1b}[2J",
        "timer timer\\u{1b}[2J set for",
    ] {
        assert!(told.contains(said), "no {said:?} in\n{told}");
    }
    let crashes = world.crash().to_string();
    for text in [told, crashes] {
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }
}

#[test]
fn the_example_s_scenario_and_its_routes_are_good() {
    let scenario = Scenario::parse(include_str!("../../../../examples/loyalty/behaviour.toml"));
    let scenario = scenario.unwrap_or_else(|error| panic!("{error}"));
    let routes = include_str!("../../../../examples/loyalty/routes.toml");
    let routes = wasmill_routes::parse(&format!("{routes}\n{}", scenario.routes_added));
    assert!(routes.is_ok(), "{routes:?}");
}

#[test]
fn figures_are_told_for_each_subscription_and_both_kinds_of_instances() {
    let world = World::new("teller", &pays(&["a", "b"]));
    let bench = world.trial.bench(3).expect("figures");
    let kinds: Vec<_> = bench
        .figures
        .iter()
        .map(|it| (it.instances, it.messages))
        .collect();
    assert_eq!(kinds, [("reused", 6), ("fresh", 6)]);
    for it in &bench.figures {
        assert!(
            it.fuel_p50 > 0 && it.memory_bytes_max > 0 && it.p99_us >= it.p50_us,
            "{bench}"
        );
    }
}
