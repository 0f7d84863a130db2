//! Who hears what is sent.

use std::time::Duration;

use wasmill_model::routes::{DedupPolicy, KeySource, RetrySchedule};

use super::{good, problems, refused, subscription, with};

#[test]
fn the_rocketmq_preset_and_an_empty_schedule_are_schedules() {
    let rocketmq = good(&with(&subscription("retry = \"rocketmq\"")));
    assert_eq!(
        rocketmq.subscription("s").expect("it").retry,
        RetrySchedule::rocketmq()
    );
    let never = good(&with(&subscription("retry = []")));
    assert_eq!(never.subscription("s").expect("it").retry.after(1), None);
}

#[test]
fn subscriptions_are_checked_field_by_field() {
    let cases = [
        (
            "order = \"none\"\nkey = \"/a\"",
            "line 12, column 7: `subscriptions.s.key` has no meaning unless `order` is `key`; remove one of the two",
        ),
        (
            "key = \"a\"",
            "line 11, column 7: `subscriptions.s.key` is `a`, but a JSON Pointer begins with `/`, as `/order_id`; a header is `header:NAME`",
        ),
        (
            "key = \"/a~2\"",
            "line 11, column 7: `subscriptions.s.key` is `/a~2`, but in a JSON Pointer `~` is written `~0`; a header is `header:NAME`",
        ),
        (
            "key = \"header:\"",
            "line 11, column 7: `subscriptions.s.key` names no header; write `header:NAME`",
        ),
        (
            "tags = \"a | b\"",
            "line 11, column 8: `subscriptions.s.tags` is `a | b`, but must be tags of 1 to 127 bytes such as `a || b`, or `*`",
        ),
        (
            "filter = \"a = 'x' AND b > 'y'\"",
            "line 11, column 10: `subscriptions.s.filter` has `b > 'y'` at line 1, column 13, but only numbers have an order; a number stands without quotes",
        ),
        (
            "start = \"begin\"",
            "line 11, column 9: `subscriptions.s.start` is `begin`, but must be `first`, `last` or a time such as `2026-11-21T08:00:00Z`",
        ),
        (
            "order = \"fifo\"",
            "line 11, column 9: `subscriptions.s.order` is `fifo`, but must be `key` or `none` or `global`",
        ),
        (
            "concurrency = 0",
            "line 11, column 15: `subscriptions.s.concurrency` is 0, which is not from 1 to 65536",
        ),
        (
            "concurrency = -1",
            "line 11, column 15: `subscriptions.s.concurrency` is -1, which is not from 1 to 65536",
        ),
        (
            "retry = \"rocket\"",
            "line 11, column 9: `subscriptions.s.retry` is `rocket`, which is no schedule: write a list such as [\"1s\", \"30s\"], or `rocketmq`; did you mean `rocketmq`?",
        ),
        (
            "retry = [\"1s\", \"soon\"]",
            "line 11, column 16: `subscriptions.s.retry[2]` is `soon`, which is not a span of time such as `30m`",
        ),
        (
            "retry = [\"1y\"]",
            "line 11, column 10: `subscriptions.s.retry[1]` is 1y, which is not from 0s to 30days",
        ),
        (
            "retry = 5",
            "line 11, column 9: `subscriptions.s.retry` is an integer, but must be a list",
        ),
        (
            "on_exhausted = \"drop\"",
            "line 11, column 16: `subscriptions.s.on_exhausted` is `drop`, but must be `dead-letter` or `halt`",
        ),
    ];
    for (line, expected) in cases {
        refused(&subscription(line), expected);
    }
}

#[test]
fn what_is_wrong_with_dedup_is_named() {
    let cases = [
        (
            "order = \"none\"\ndedup = { id = \"/a\" }",
            "line 12, column 9: `subscriptions.s.dedup` remembers ids in the state of a key, and `order = \"none\"` has no state; remove one of the two",
        ),
        (
            "dedup = { window = \"1h\" }",
            "line 11, column 9: `subscriptions.s.dedup` has no `id`; say where it is: `/payment_id`, or `header:NAME`",
        ),
        (
            "dedup = { id = \"a\" }",
            "line 11, column 16: `subscriptions.s.dedup.id` is `a`, but a JSON Pointer begins with `/`, as `/order_id`; a header is `header:NAME`",
        ),
        (
            "dedup = { id = \"/a\", window = \"31d\" }",
            "line 11, column 31: `subscriptions.s.dedup.window` is 31d, which is not from 1s to 30days",
        ),
        (
            "dedup = { id = \"/a\", ids = 1 }",
            "line 11, column 22: unknown key `ids` in `subscriptions.s.dedup`; did you mean `id`?",
        ),
        (
            "dedup = \"/a\"",
            "line 11, column 9: `subscriptions.s.dedup` is `/a`, but must be a table: write `{ id = \"/a\" }`, with a `window` if you like",
        ),
    ];
    for (line, expected) in cases {
        refused(&subscription(line), expected);
    }
}

#[test]
fn a_subscription_says_by_which_id_and_for_how_long_it_tells_duplicates() {
    let dedup = |line: &str| {
        let routes = good(&with(&subscription(line)));
        routes.subscription("s").expect("it").dedup.clone()
    };
    assert_eq!(dedup(""), None);
    let hours = |hours: u64| Duration::from_secs(hours * 3600);
    let policy = |id, window| Some(DedupPolicy { id, window });
    assert_eq!(
        dedup("dedup = { id = \"/payment_id\" }"),
        policy(KeySource::Pointer("/payment_id".into()), hours(24))
    );
    assert_eq!(
        dedup("order = \"global\"\ndedup = { id = \"header:x-id\", window = \"2h\" }"),
        policy(KeySource::Header("x-id".into()), hours(2))
    );
}

#[test]
fn a_broadcast_has_an_owner_of_state_that_is_no_plugin() {
    refused(
        &subscription("broadcast = \"yes\""),
        "line 11, column 13: `subscriptions.s.broadcast` is a string, but must be true or false",
    );
    let routes = good(&with(&subscription("broadcast = true")));
    let sub = routes.subscription("s").expect("it");
    assert_eq!((&*sub.plugin, &*sub.owner()), ("order", "order@host"));
    assert!(sub.is_of("order@host") && !sub.is_of("order"));
    let routes = good(&with(&subscription("")));
    let sub = routes.subscription("s").expect("it");
    assert_eq!(sub.owner(), "order");
    assert!(sub.is_of("order") && !sub.is_of("order@host"));
}

#[test]
fn a_subscription_to_what_nobody_may_send_to_is_refused() {
    refused(
        "[subscriptions.s]\ntopic = \"payment.*\"\nplugin = \"order\"\n",
        "line 9, column 9: `subscriptions.s.topic` is `payment.*`, which is not declared in \
         [topics]; declare it there",
    );
    refused(
        "[subscriptions.s]\ntopic = \"order.*\"\nplugin = \"../order\"\n",
        "line 10, column 10: `subscriptions.s.plugin` is `../order`, which cannot name a plugin: \
         its file's stem has 1 to 64 letters, digits, `-` and `_`, beginning with a letter or digit",
    );
    refused(
        "[subscriptions.\"a b\"]\ntopic = \"order.*\"\nplugin = \"order\"\n",
        "line 8, column 1: `subscriptions.\"a b\"` cannot name a subscription: use 1 to 64 \
         letters, digits, `-`, `_` and `.`",
    );
}

#[test]
fn dead_letters_have_a_topic_of_the_hosts_own() {
    let text =
        "[topics]\n\"a\" = {}\n\"*\" = {}\n[subscriptions.s]\ntopic = \"$dead\"\nplugin = \"p\"\n";
    let routes = good(text);
    assert!(routes.hears_of_dead_letters());
    assert!(!routes.declares("$dead"), "nobody can send there");
    assert!(!good(&text.replace("$dead", "*")).hears_of_dead_letters());
    let found = problems(&text.replace("\"a\"", "\"$dead\""));
    assert!(found[0].contains("nobody can send to"), "{found:?}");
    assert_eq!(
        problems(&text.replace("$dead", "$deads")),
        [
            "line 5, column 9: `subscriptions.s.topic` is `$deads`, but the one topic that begins \
             with `$` is `$dead`: write that, or leave the `$` out"
        ]
    );
}
