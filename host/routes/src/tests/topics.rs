//! Topics, their policies, and how long the log is kept.

use std::time::Duration;

use wasmill_model::limits::MessageLimits;
use wasmill_model::routes::{LogRetention, Rate};

use super::{good, problems};

const POLICIES: &str = r#"
[log]
retention = "24h"
retention_bytes = "1GiB"

[topics]
plain = {}

[topics."audit.*"]
retention = "1h"

[topics."audit.log.*"]
headers_count_max = 0

[topics."audit.log.in"]
body_bytes_max = "64KiB"
headers_bytes_max = "1KiB"
headers_count_max = 16
retention = "24h"
pending_max = 1000
messages_per_second = 500
messages_burst = 2000
bytes_per_second = "32KiB"
"#;

#[test]
fn topics_have_names_that_logs_and_prefixes_can_bear() {
    assert_eq!(
        problems("[topics]\n\"a b\" = {}\n"),
        [
            "line 2, column 1: the topic is `a b`, but a topic has 1 to 127 letters, digits, `-`, `_` \
         and `.`"
        ]
    );
    assert_eq!(
        problems("[topics]\n\"ab*\" = {}\n"),
        ["line 2, column 1: the topic is `ab*`, but a prefix of topics ends in `.*`"]
    );
    assert_eq!(
        problems("[topics]\na = 1\n"),
        ["line 2, column 5: `topics.a` is an integer, but must be a table"]
    );
}

#[test]
fn a_topic_with_dots_and_without_quotes_is_explained() {
    assert_eq!(
        problems("[topics]\norder.placed = {}\n"),
        [
            "line 2, column 7: topic `order` has the unknown key `placed`; if the topic is \
         `order.placed`, put it in quotes"
        ]
    );
}

#[test]
fn the_closest_declaration_of_a_topic_says_its_policies() {
    let routes = good(POLICIES);
    let topic = routes.topic("audit.log.in").expect("declared");
    let limits = MessageLimits {
        body_bytes_max: 64 << 10,
        headers_bytes_max: 1 << 10,
        headers_count_max: 16,
    };
    assert_eq!(topic.limits, limits);
    assert_eq!(topic.retention, Some(Duration::from_secs(24 * 3600)));
    assert_eq!(topic.pending_max, Some(1_000));
    let rate = |per_second, burst| Some(Rate { per_second, burst });
    assert_eq!(topic.quota.messages, rate(500, 2_000));
    // Room for the largest body, since nothing else is said.
    assert_eq!(topic.quota.bytes, rate(32 << 10, 64 << 10));

    let count_max = |topic| {
        let topic = routes.topic(topic).expect("declared");
        (topic.limits.headers_count_max, topic.retention.is_some())
    };
    assert_eq!(count_max("audit.log.out"), (0, false));
    assert_eq!(count_max("audit.sum"), (128, true));
    assert_eq!(count_max("plain"), (128, false));
    assert!(routes.topic("other").is_none());
    let log = LogRetention {
        bytes_max: 1 << 30,
        age_max: Duration::from_secs(24 * 3600),
    };
    assert_eq!(
        (routes.log, good("[topics]").log),
        (log, LogRetention::default())
    );
}

#[test]
fn policies_are_checked_field_by_field() {
    let cases = [
        (
            "body_bytes_max = \"5MiB\"",
            "line 3, column 18: `topics.\"a.b\".body_bytes_max` is 5MiB, which is not from 1 byte to 4 MiB",
        ),
        (
            "headers_bytes_max = 16385",
            "line 3, column 21: `topics.\"a.b\".headers_bytes_max` is 16385, which is not from 1 byte to 16 KiB",
        ),
        (
            "headers_count_max = 129",
            "line 3, column 21: `topics.\"a.b\".headers_count_max` is 129, which is not from 0 to 128",
        ),
        (
            "retention = \"73h\"",
            "line 3, column 13: `topics.\"a.b\".retention` is 3days 1h, but the log is kept for 3days: shorten it, or raise `retention` in [log]",
        ),
        (
            "retention = \"10ms\"",
            "line 3, column 13: `topics.\"a.b\".retention` is 10ms, which is not from 1s to 30days",
        ),
        (
            "pending_max = 0",
            "line 3, column 15: `topics.\"a.b\".pending_max` is 0, which is not from 1 to 9223372036854775807",
        ),
        (
            "messages_per_second = 0",
            "line 3, column 23: `topics.\"a.b\".messages_per_second` is 0, which is not from 1 to 1000000000",
        ),
        (
            "messages_burst = 1",
            "line 3, column 18: `topics.\"a.b\".messages_burst` has no meaning without `messages_per_second`; add that too",
        ),
        (
            "bytes_per_second = 1\nbytes_burst = 1",
            "line 4, column 15: `topics.\"a.b\".bytes_burst` is 1 byte, in which a body of 4 MiB never has room: raise it, or lower `body_bytes_max`",
        ),
        (
            "retain = \"1h\"",
            "line 3, column 1: unknown key `retain` in `topics.\"a.b\"`; did you mean `retention`?",
        ),
    ];
    for (line, expected) in cases {
        let text = format!("[topics.\"a.b\"]\n# one\n{line}\n");
        assert_eq!(problems(&text), [expected]);
    }
}

#[test]
fn a_schedule_keeps_to_the_limits_of_its_topic() {
    let text = "[topics.a]\nbody_bytes_max = 4\n[schedules.s]\ncron = \"@daily\"\n\
                topic = \"a\"\nbody = \"four\"\n";
    good(text);
    let found = problems(&text.replace("four", "fiver"));
    assert_eq!(
        found,
        [
            "line 3, column 1: `schedules.s` sends messages over the limits of topic `a`: body \
             bytes: 5 is over the limit of 4"
        ]
    );
}

#[test]
fn how_long_the_log_is_kept_has_bounds() {
    let cases = [
        (
            "retention = \"1s\"",
            "line 2, column 13: `log.retention` is 1s, which is not from 1m to 30days",
        ),
        (
            "retention_bytes = \"1MiB\"",
            "line 2, column 19: `log.retention_bytes` is 1MiB, which is not from 64 MiB to 1 TiB",
        ),
        (
            "age = 1",
            "line 2, column 1: unknown key `age` in `log`; known keys: retention, retention_bytes",
        ),
    ];
    for (line, expected) in cases {
        assert_eq!(problems(&format!("[log]\n{line}\n")), [expected]);
    }
}
