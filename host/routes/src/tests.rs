//! What a file means, and what is said about one that is wrong.

use std::time::Duration;

use proptest::prelude::*;
use wasmill_model::Routes;
use wasmill_model::routes::{IngressKey, Isolation, KeySource, OnExhausted, Order, RetrySchedule};

use super::parse;

const DOCUMENTATION: &str = include_str!("../../../docs/routes.md");

/// The TOML blocks of the documentation.
fn documented() -> Vec<&'static str> {
    let blocks = DOCUMENTATION.split("```toml\n").skip(1);
    blocks
        .map(|rest| rest.split("```").next().expect("a block that ends"))
        .collect()
}

fn good(text: &str) -> Routes {
    parse(text).unwrap_or_else(|errors| panic!("{errors}\nin\n{text}"))
}

/// The problems of a file, as displayed.
fn problems(text: &str) -> Vec<String> {
    match parse(text) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.to_string().lines().map(str::to_owned).collect(),
    }
}

/// A file with one topic, one query and, from line 7 on, `rest`.
fn with(rest: &str) -> String {
    let head = "[topics]\n\"order.placed\" = {}\n\n[[query]]\n\
                path = \"/orders/{id}\"\nplugin = \"order\"\nkey = \"{id}\"\n";
    format!("{head}{rest}")
}

#[track_caller]
fn refused(rest: &str, expected: &str) {
    assert_eq!(problems(&with(rest)), [expected]);
}

/// A subscription on line 8 to 10, and its further line 11.
fn subscription(line: &str) -> String {
    format!("[subscriptions.s]\ntopic = \"order.placed\"\nplugin = \"order\"\n{line}\n")
}

/// An ingress route on line 8 to 11, and its further lines from 12.
fn ingress(lines: &str) -> String {
    format!(
        "[[ingress]]\nmethod = \"POST\"\npath = \"/orders/{{id}}/pay\"\ntopic = \"order.placed\"\n\
         {lines}\n"
    )
}

#[test]
fn every_documented_file_is_accepted() {
    assert!(documented().len() >= 3);
    documented().into_iter().for_each(|text| drop(good(text)));
}

#[test]
fn a_whole_file_becomes_routes() {
    let routes = good(documented()[0]);
    assert!(routes.declares("order.placed") && routes.declares("audit.any"));
    assert!(!routes.declares("order.paid"));

    let plugin = routes.plugin("order");
    assert_eq!(plugin.config["saga_timeout"], "2m");
    assert_eq!(plugin.config["shipping_fee"], "1000");
    assert_eq!(plugin.isolation, Isolation::Pooled);
    assert_eq!(plugin.limits.memory_bytes_max, 64 << 20);
    assert_eq!(plugin.limits.deadline, Duration::from_secs(10));
    assert_eq!(plugin.grants.http, ["127.0.0.1:18080"]);
    assert!(plugin.grants.files);
    assert_eq!(plugin.grants.env["TZ"], "UTC");

    let sub = routes
        .subscription("order-placed")
        .expect("the subscription");
    assert_eq!(sub.key, Some(KeySource::Pointer("/order_id".into())));
    assert_eq!(sub.tags, ["web", "phone"]);
    assert_eq!((sub.order, sub.concurrency_max), (Order::Key, 64));
    assert_eq!(
        sub.retry,
        RetrySchedule::new([1, 5, 30].map(Duration::from_secs).to_vec())
    );
    assert_eq!(sub.on_exhausted, OnExhausted::DeadLetter);

    let ingress = &routes.ingress[0];
    assert_eq!(
        (ingress.method.as_str(), ingress.path.as_str()),
        ("POST", "/orders")
    );
    assert_eq!(ingress.gate.as_deref(), Some("order"));
    assert_eq!(ingress.wait_for, ["order.confirmed", "order.cancelled"]);
    assert_eq!(ingress.query.as_deref(), Some("/orders/{key}"));
    assert_eq!((ingress.body_bytes_max, ingress.answer), (64 << 10, 202));
    assert_eq!(routes.queries[0].key, "{order_id}");
}

#[test]
fn what_is_left_out_has_its_default() {
    let routes = good(&with(
        &(subscription("") + &ingress("key = \"header:X-Order\"")),
    ));
    let sub = routes.subscription("s").expect("the subscription");
    assert_eq!((sub.order, sub.concurrency_max), (Order::Key, 1024));
    assert_eq!(sub.retry, RetrySchedule::default());
    let route = &routes.ingress[0];
    assert_eq!(route.key, Some(IngressKey::Header("x-order".into())));
    assert_eq!((route.body_bytes_max, route.answer), (1 << 20, 202));
    assert_eq!(route.dedup_window, Duration::from_secs(24 * 3600));
    assert!(good("").topics().is_empty());
}

#[test]
fn config_reaches_the_plugin_as_text_whatever_its_type() {
    let routes = good(
        "[plugins.p]\nconfig = { a = 1.50, b = true, c = 0xff, d = [1, \"x\"], e = { f = 2 }, \
         g = 1979-05-27 }",
    );
    let plugin = routes.plugin("p");
    let config: Vec<_> = plugin.config.values().map(String::as_str).collect();
    assert_eq!(
        config,
        [
            "1.50",
            "true",
            "255",
            "[1,\"x\"]",
            "{\"f\":2}",
            "1979-05-27"
        ]
    );
}

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
fn all_problems_are_reported_at_once_in_the_order_of_the_file() {
    let found = problems(&with(
        "[[ingress]]\nmethod = \"GET\"\npath = \"orders\"\ntopic = \"order.plased\"\n\
         [subscriptions.s]\nplugin = \"order\"\nretyr = []\n",
    ));
    assert_eq!(
        found,
        [
            "line 9, column 10: `ingress[1].method` is `GET`, but must be `POST` or `PUT` or `PATCH` \
         or `DELETE`",
            "line 10, column 8: `ingress[1].path` is `orders`, but a path begins with `/`",
            "line 11, column 9: `ingress[1].topic` is `order.plased`, which is not declared in \
         [topics]; did you mean `order.placed`?",
            "line 12, column 1: `subscriptions.s` has no `topic`; name the topic, or a prefix such \
         as `order.*`",
            "line 14, column 1: unknown key `retyr` in `subscriptions.s`; did you mean `retry`?",
        ]
    );
}

#[test]
fn text_that_is_no_toml_is_refused_with_its_place() {
    let found = problems("[topics]\na = \n[plugins\n");
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("line 2, column 5: "), "{found:?}");
    assert!(found[1].starts_with("line 3, column 9: "), "{found:?}");
}

#[test]
fn a_name_given_twice_is_refused() {
    let found = problems(&with(&(subscription("") + &subscription(""))));
    assert_eq!(
        found[0],
        "line 12, column 16: `s` is given twice; rename or remove one"
    );
}

#[test]
fn unknown_keys_are_refused_with_the_nearest_or_all_known_ones() {
    refused(
        "[plugin.x]\n",
        "line 8, column 2: unknown key `plugin` at the top of the file; did you mean `plugins`?",
    );
    refused(
        "[plugins.x]\nzzz = 1\n",
        "line 9, column 1: unknown key `zzz` in `plugins.x`; known keys: config, isolation, \
         limits, grants",
    );
}

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
fn plugin_tables_are_checked_field_by_field() {
    let cases = [
        (
            "isolation = \"none\"",
            "line 9, column 13: `plugins.p.isolation` is `none`, but must be `pooled` or `per-message`",
        ),
        (
            "limits.memory_bytes_max = \"5GiB\"",
            "line 9, column 27: `plugins.p.limits.memory_bytes_max` is 5GiB, which is not from 1 to 4294967296 bytes",
        ),
        (
            "limits.memory_bytes_max = \"big\"",
            "line 9, column 27: `plugins.p.limits.memory_bytes_max` is `big`, which is not a size such as `64KiB`",
        ),
        (
            "limits.fuel_max = 0",
            "line 9, column 19: `plugins.p.limits.fuel_max` is 0, which is not from 1 to 1000000000000",
        ),
        (
            "limits.deadline = \"0s\"",
            "line 9, column 19: `plugins.p.limits.deadline` is 0s, which is not from 1ms to 1h",
        ),
        (
            "limits.deadline = 10",
            "line 9, column 19: `plugins.p.limits.deadline` is an integer, but must be a text in quotes",
        ),
        (
            "limits.sends_max = 0",
            "line 9, column 20: `plugins.p.limits.sends_max` is 0, which is not from 1 to 100000",
        ),
        (
            "limits.effect_bytes_max = 0",
            "line 9, column 27: `plugins.p.limits.effect_bytes_max` is 0, which is not from 1 to 268435456",
        ),
        (
            "grants.http = [\"http://a\"]",
            "line 9, column 16: `plugins.p.grants.http[1]` is `http://a`, but must be a host or host:port such as `api.example.com:443`",
        ),
        (
            "grants.files = \"yes\"",
            "line 9, column 16: `plugins.p.grants.files` is a string, but must be true or false",
        ),
        (
            "grants.env = { \"A=B\" = \"1\" }",
            "line 9, column 24: `plugins.p.grants.env.\"A=B\"` cannot name an environment variable: remove `=` and NUL",
        ),
        (
            "grants.env = { A = 1 }",
            "line 9, column 20: `plugins.p.grants.env.A` is an integer, but must be a text in quotes",
        ),
    ];
    for (line, expected) in cases {
        refused(&format!("[plugins.p]\n{line}\n"), expected);
    }
    refused(
        "[plugins.\"a.b\"]\n",
        "line 8, column 10: the plugin's name is `a.b`, which cannot name a plugin: its file's \
         stem has 1 to 64 letters, digits, `-` and `_`, beginning with a letter or digit",
    );
}

#[test]
fn ingress_routes_are_checked_field_by_field() {
    let cases = [
        (
            "gate = \"order\"\nkey = \"/a\"",
            "line 13, column 7: `ingress[1].key` has no meaning beside `gate`, which makes the key; remove one of the two",
        ),
        (
            "key = \"path:ids\"",
            "line 12, column 7: `ingress[1].key` uses the parameter `ids`, which the path does not have; did you mean `id`?",
        ),
        (
            "key = \"header:a b\"",
            "line 12, column 7: `ingress[1].key` names the header `a b`, which no HTTP header can be called",
        ),
        (
            "key = \"id\"",
            "line 12, column 7: `ingress[1].key` is `id`, but a JSON Pointer begins with `/`, as `/order_id`; or write `path:NAME` or `header:NAME`",
        ),
        (
            "dedup_window = \"31d\"",
            "line 12, column 16: `ingress[1].dedup_window` is 31d, which is not from 1s to 30days",
        ),
        (
            "body_bytes_max = \"5MiB\"",
            "line 12, column 18: `ingress[1].body_bytes_max` is 5MiB, which is not from 1 to 4194304 bytes",
        ),
        (
            "answer = 201",
            "line 12, column 10: `ingress[1].answer` is 201, but must be 202 or 200",
        ),
        (
            "wait_for = [\"order.payed\"]",
            "line 12, column 13: `ingress[1].wait_for[1]` is `order.payed`, which is not declared in [topics]; did you mean `order.placed`?",
        ),
        (
            "gate = \"o\"\nquery = \"/orders/{key}\"",
            "line 13, column 9: `ingress[1].query` answers requests that wait, so `wait_for` must name the topics to wait for",
        ),
        (
            "gate = \"o\"\nwait_for = [\"order.placed\"]\nquery = \"/users/{key}\"",
            "line 14, column 9: `ingress[1].query` is `/users/{key}`, which no [[query]] answers; add one or correct it",
        ),
        (
            "gate = \"o\"\nwait_for = [\"order.placed\"]\nquery = \"/orders/{id}\"",
            "line 14, column 9: `ingress[1].query` is `/orders/{id}`, but only `{key}`, the message's key, can be put in",
        ),
        (
            "wait_for = [\"order.placed\"]\nquery = \"/orders/{key}\"",
            "line 13, column 9: `ingress[1].query` uses `{key}`, but the message has none; add `gate` or `key`",
        ),
    ];
    for (lines, expected) in cases {
        refused(&ingress(lines), expected);
    }
}

#[test]
fn paths_that_requests_could_not_tell_apart_are_refused() {
    let twice = ingress("")
        + "[[ingress]]\nmethod = \"POST\"\npath = \"/orders/{x}/pay\"\ntopic = \"order.placed\"\n";
    refused(
        &twice,
        "line 15, column 8: `ingress[2].path` is `/orders/{x}/pay`, which matches the same requests as `/orders/{id}/pay` of line 10",
    );
    // Another method, and another end, are other routes.
    good(&with(&twice.replacen("POST", "PUT", 1)));
    good(&with(&twice.replace("{x}/pay", "{x}")));
}

#[test]
fn paths_are_plain_segments_and_parameters() {
    let cases = [
        (
            "/a//b",
            "is `/a//b`, which has an empty segment; remove the extra `/`",
        ),
        (
            "/a/",
            "is `/a/`, which has an empty segment; remove the extra `/`",
        ),
        (
            "/a?b",
            "is `/a?b`, whose segment `a?b` is neither plain text nor one `{parameter}`",
        ),
        (
            "/{a}-{b}",
            "is `/{a}-{b}`, whose parameter `a}-{b` is not of letters, digits and `_`",
        ),
        (
            "/x{a}",
            "is `/x{a}`, whose segment `x{a}` is neither plain text nor one `{parameter}`",
        ),
        (
            "/{*a}",
            "is `/{*a}`, whose parameter `*a` is not of letters, digits and `_`",
        ),
        (
            "/{a}/{a}",
            "is `/{a}/{a}`, which has the parameter `a` twice",
        ),
        (
            "/../a",
            "is `/../a`, whose segment `..` no client would send",
        ),
        (
            "/metrics",
            "is `/metrics`, which the host itself answers; choose another path",
        ),
    ];
    for (path, expected) in cases {
        let rest = format!("[[query]]\nplugin = \"order\"\nkey = \"k\"\npath = \"{path}\"\n");
        refused(
            &rest,
            &format!("line 11, column 8: `query[2].path` {expected}"),
        );
    }
}

#[test]
fn key_templates_use_what_the_path_has() {
    let cases = [
        (
            "{nam}",
            "uses the parameter `nam`, which the path does not have; did you mean `name`?",
        ),
        ("{name", "is `{name`, whose braces do not match"),
        ("name}", "is `name}`, whose braces do not match"),
        ("{}", "is `{}`, whose braces hold no parameter's name"),
        ("", "is empty, but a query asks about a key"),
    ];
    for (key, expected) in cases {
        let rest =
            format!("[[query]]\nplugin = \"order\"\npath = \"/{{name}}\"\nkey = \"{key}\"\n");
        refused(
            &rest,
            &format!("line 11, column 7: `query[2].key` {expected}"),
        );
    }
}

#[test]
fn a_flood_of_problems_is_cut_and_counted() {
    let text: String = (0..150).map(|n| format!("k{n} = 1\n")).collect();
    let errors = parse(&text).expect_err("unknown keys");
    assert_eq!((errors.problems.len(), errors.omitted), (100, 50));
    assert!(errors.to_string().ends_with("and 50 more"));
}

#[test]
fn a_file_beyond_its_bound_is_refused_unread() {
    let text = "#".repeat(super::FILE_BYTES_MAX + 1);
    assert_eq!(
        problems(&text),
        ["line 1, column 1: the file has 4194305 bytes, more than the 4194304 allowed"]
    );
}

proptest! {
    #[test]
    fn no_text_panics(text in any::<String>()) {
        let _ = parse(&text);
    }

    /// A good file with a slice of it replaced gets further than noise does.
    #[test]
    fn no_broken_file_panics(
        at in any::<prop::sample::Index>(),
        length in 0_usize..40,
        patch in "[\\[\\]{}=\"'.*/~a-z0-9\n, é-]{0,12}",
    ) {
        let mut text: Vec<char> = documented()[0].chars().collect();
        let start = at.index(text.len());
        let end = (start + length).min(text.len());
        text.splice(start..end, patch.chars());
        let text: String = text.into_iter().collect();
        if let Err(errors) = parse(&text) {
            let lines = text.split('\n').count();
            prop_assert!(errors.problems.iter().all(|p| (1..=lines).contains(&p.line)));
        }
    }
}
