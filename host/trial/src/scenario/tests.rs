//! What is wrong with a scenario is told with its line and the remedy.

use super::*;

fn refused(text: &str) -> String {
    Scenario::parse(text).expect_err(text).to_string()
}

#[test]
fn a_word_that_nobody_knows_is_told_with_its_line_and_those_that_there_are() {
    let head = "routes = \"routes.toml\"\n[[step]]\n";
    for (text, said) in [
        (
            "snd = { topic = \"t\" }",
            "line 3, column 1: unknown field `snd`",
        ),
        (
            "snd = { topic = \"t\" }",
            "`send`, `request`, `query`, `advance`",
        ),
        (
            "send = { topik = \"t\" }",
            "unknown field `topik`, expected one of `topic`",
        ),
        ("send = { key = \"k\" }", "missing field `topic`"),
        (
            "name = \"nothing\"",
            "one of `send`, `request`, `query`, `advance` and `config`",
        ),
        ("advance = \"1s\"\nsend = { topic = \"t\" }", "line 2"),
        (
            "advance = \"soon\"",
            "line 3, column 11: `soon` is no span of time",
        ),
        (
            "advance = \"1s\"\nexpect.outcome = \"okay\"",
            "`okay` is no outcome: use one of `ok`, `retry`",
        ),
        ("advance = \"1s\"\nexpect.outcome = 7", "a word or a table"),
        (
            "advance = \"1s\"\nexpect.outcome = { retry = 1 }",
            "a part of the cause",
        ),
        (
            "advance = \"1s\"\nexpect.state.k.e = { }",
            "`absent = true`",
        ),
        (
            "advance = \"1s\"\nexpect.logs = [ { level = \"loud\" } ]",
            "`info`",
        ),
        (
            "send = { topic = \"t\", body = \"a\", json = 1 }",
            "keep one of",
        ),
        ("send = { topic = \"t\", body_base64 = \"?\" }", "no base64"),
        (
            "advance = \"1s\"\nhttp = [ { method = \"GET\", url = \"u\", status = 7 } ]",
            "from 100 to 999",
        ),
        ("config = { a = [1] }", "`a` is no text"),
        (
            "request = { method = \"POST\", path = \"/a?b=c\" }",
            "what stands behind a `?` is in `query`",
        ),
        ("query = { key = \"\" }", "a key has 1 to 256 bytes"),
        (
            "advance = \"1s\"\nexpect.answer.status = 200",
            "leave `answer` out",
        ),
        (
            "query = { key = \"k\" }\nexpect.answer = { body = \"a\", json = 1 }",
            "keep one of",
        ),
    ] {
        let error = refused(&format!("{head}{text}\n"));
        assert!(error.contains(said), "{text}: {error}");
    }
}

#[test]
fn what_a_scenario_must_have_is_told_if_it_is_absent() {
    assert!(refused("[[step]]\nadvance = \"1s\"").contains("missing field `routes`"));
    assert!(refused("routes = \"r\"").contains("missing field `step`"));
    let empty = refused("routes = \"r\"\nstep = []");
    assert!(
        empty.contains("line 2, column 8: `step` is empty"),
        "{empty}"
    );
    let start = "routes = \"r\"\nstart = \"today\"\n[[step]]\nadvance = \"1s\"";
    assert!(refused(start).contains("line 2, column 9: `today` is no time"));
}

#[test]
fn a_state_at_the_start_that_cannot_be_is_told() {
    for (state, said) in [
        ("key = \"k\"\nentries = {}", "a state without entries"),
        (
            "key = \"\"\nentries.a.body = \"1\"",
            "a key has 1 to 256 bytes",
        ),
        ("key = \"k\"\nentries.a.absent = true", "`body_base64`"),
        ("key = \"k\"\nentries.a = {}", "`body_base64`"),
        ("key = \"k\"\nentries.\"\".body = \"1\"", "an entry's name"),
        (
            "key = \"k\"\nversion = 0\nentries.a.body = \"1\"",
            "count from 1",
        ),
        (
            "key = \"k\"\nentries.a.body = \"1\"\n[[state]]\nkey = \"k\"\nentries.a.body = \"1\"",
            "is stated before",
        ),
    ] {
        let text = format!("routes = \"r\"\n[[state]]\n{state}\n[[step]]\nadvance = \"1s\"\n");
        let error = refused(&text);
        assert!(error.contains(said), "{state}: {error}");
    }
}

#[test]
fn steps_know_their_lines_and_values_become_text() {
    let text = "routes = \"r\"\n\n[[step]]\nconfig = { a = 1, b = true, c = \"x\" }\n\n\
                [[step]]\nname = \"second\"\nadvance = \"1d\"\n";
    let scenario = Scenario::parse(text).unwrap();
    let lines: Vec<_> = scenario.steps.iter().map(|step| step.line).collect();
    assert_eq!(lines, [3, 6]);
    let Deed::Config(values) = &scenario.steps[0].deed else {
        panic!("a config")
    };
    let values: Vec<_> = values.values().map(String::as_str).collect();
    assert_eq!(values, ["1", "true", "x"]);
}

#[test]
fn an_answer_may_be_for_all_urls_that_begin_so() {
    let text = "routes = \"r\"\nhttp = [ { method = \"post\", url = \"http://a/b*\" } ]\n\
                [[step]]\nadvance = \"1s\"\n";
    let scenario = Scenario::parse(text).unwrap();
    let answer = &scenario.http[0];
    assert!(answer.answers("POST", "http://a/bc?d"));
    assert!(!answer.answers("GET", "http://a/bc") && !answer.answers("POST", "http://a/c"));
}
