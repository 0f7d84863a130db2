//! A file as a whole: what it means, what is left out, and how problems are reported.

use std::time::Duration;

use proptest::prelude::*;
use wasmill_model::routes::{IngressKey, Isolation, KeySource, OnExhausted, Order, RetrySchedule};

use super::{documented, good, ingress, problems, refused, subscription, with};
use crate::{FILE_BYTES_MAX, parse};

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
    assert_eq!((plugin.concurrency, plugin.share), (2048, 20));
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
    assert_eq!((&route.dedup_id, &sub.dedup), (&None, &None));
    assert!(good("[topics]\n").topics().is_empty());
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
         concurrency, share, limits, grants",
    );
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
    let text = "#".repeat(FILE_BYTES_MAX + 1);
    assert_eq!(
        problems(&text),
        ["line 1, column 1: the file has 4194305 bytes, more than the 4 MiB allowed"]
    );
}

#[test]
fn a_file_that_is_no_utf_8_is_told_where() {
    let errors = crate::parse_file(b"[topics]\n# caf\xe9\na = {}\n").expect_err("latin 1");
    assert_eq!(
        errors.to_string(),
        "line 2, column 6: the file is not UTF-8 here: write the letter anew, or save the file as \
         UTF-8"
    );
    assert!(crate::parse_file("[topics]\n# café\na = {}\n".as_bytes()).is_ok());
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
