//! What conditions mean, against a naive model, and what is said about those that are wrong.

use proptest::prelude::*;
use wasmill_model::{Message, MessageId, Millis};

use super::{TERMS_COUNT_MAX, TEXT_BYTES_MAX, filter};

fn message(headers: &[(&str, &str)]) -> Message {
    let headers = headers.iter();
    Message {
        id: MessageId(1),
        topic: "t".into(),
        key: Some("order-7".into()),
        tag: Some("web".into()),
        headers: headers
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect(),
        body: Vec::new().into(),
        produced_at: Millis(0),
        correlation: MessageId(1),
        causation: None,
        timer: None,
    }
}

fn accepts(text: &str) -> bool {
    let message = message(&[
        ("region", "eu"),
        ("amount", "250"),
        ("rate", "2.50"),
        ("limit", "250.0"),
        ("express", "True"),
        ("x-source", "shop's"),
        ("order.type", "b2b"),
        ("TAGS", "header"),
        ("empty", ""),
    ]);
    let filter = filter(text).unwrap_or_else(|error| panic!("`{text}` {error}"));
    filter.accepts(&message)
}

#[test]
fn a_condition_that_holds_accepts() {
    for text in [
        "region = 'eu'",
        "'eu' = region AND region <> 'us' and region != 'asia'",
        "amount > 249 AND amount >= 250 AND amount < 250.5 AND 1e3 > amount AND amount = 250.0",
        "amount = limit AND amount > rate AND region <> amount",
        "rate = 2.5 AND NOT rate = '2.5'",
        "amount BETWEEN 250 AND 300 AND amount NOT BETWEEN -5 AND +5",
        "region IN ('us', 'eu') AND region NOT IN ('asia') AND amount IN (1, 250)",
        "missing IS NULL AND region IS NOT NULL AND empty IS NOT NULL AND empty = ''",
        "express = TRUE AND express <> false AND TRUE",
        "region LIKE 'e_' AND \"x-source\" LIKE '%''s' AND region NOT LIKE 'u%'",
        "region LIKE '!eu' ESCAPE '!'",
        "TAGS = 'web' AND TAGS IN ('web', 'phone') AND KEYS LIKE 'order-%'",
        "\"TAGS\" = 'header' AND \"order.type\" = 'b2b'",
        "FALSE OR region = 'us' OR (region = 'eu' AND NOT amount < 0)",
        "region = 'us' AND missing = 1 OR region = 'eu'",
        "missing = 1 OR TRUE",
    ] {
        assert!(accepts(text), "{text}");
    }
}

#[test]
fn what_is_false_or_unknown_does_not() {
    for text in [
        "region = 'EU'",
        "missing = 1",
        "NOT missing = 1",
        "missing <> 'x'",
        "missing NOT IN ('x')",
        "missing NOT LIKE 'x'",
        "region > 5",
        "NOT region > 5",
        "region < amount",
        "region NOT IN (1, 2)",
        "region = TRUE",
        "NOT (missing = 1 AND TRUE)",
        "missing = 1 OR FALSE",
        "tags = 'web'",
        "amount IN (1, 25)",
    ] {
        assert!(!accepts(text), "{text}");
    }
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    for (text, said) in [
        ("", "is no condition: expected: an expression, found: EOF"),
        ("region =", "found: EOF"),
        (
            "region = 'eu",
            "unterminated string literal at line 1, column 10",
        ),
        (
            "region = 'eu' 5",
            "the end of the condition, found: 5 at line 1, column 15",
        ),
        (
            "region",
            "`region` at line 1, column 1, which is no condition",
        ),
        (
            "a = 1 AND\n b + 1 > 2",
            "`b + 1` at line 2, column 2, where a header",
        ),
        (
            "a = 1 AND b > 'x'",
            "`b > 'x'` at line 1, column 11, but only numbers",
        ),
        ("a BETWEEN 'x' AND 'y'", "only numbers have an order"),
        ("a = NULL", "IS NULL"),
        ("a IN (1, NULL)", "IS NULL"),
        ("1 = 1", "two constants"),
        ("5", "no condition"),
        ("a || b = 'x'", "where a header, a number"),
        ("a ~ 'x'", "but knows AND, OR"),
        ("length(a) > 3", "`length(a)`"),
        ("order.type = 'x'", "in double quotes: \"order.type\""),
        ("a IN (SELECT b)", "which is no condition"),
        ("a LIKE b", "`b`"),
        ("a LIKE 'x!' ESCAPE '!'", "ends in its own ESCAPE"),
        ("a LIKE 'x' ESCAPE 'yy'", "one character"),
        ("'a' LIKE 'x'", "where the name of a header"),
        ("a = 1e999", "too large"),
        ("a IS TRUE", "no condition"),
    ] {
        let error = filter(text).expect_err(text);
        assert!(error.contains(said), "{text}: {error}");
    }
}

#[test]
fn conditions_have_bounds() {
    let long = format!("a = '{}'", "x".repeat(TEXT_BYTES_MAX));
    assert!(filter(&long).unwrap_err().contains("4096 allowed"));
    let items = vec!["1"; TERMS_COUNT_MAX].join(",");
    assert!(filter(&format!("a IN ({items})")).is_ok());
    let error = filter(&format!("a IN ({items}, 1)")).unwrap_err();
    assert!(error.contains("256 comparisons"), "{error}");
    let wide = vec!["a=1"; TERMS_COUNT_MAX].join(" OR ");
    assert!(filter(&wide).is_ok());
    for (open, close) in [("(", ")"), ("NOT ", "")] {
        let nested = |depth| format!("{}a=1{}", open.repeat(depth), close.repeat(depth));
        assert!(filter(&nested(30)).is_ok());
        for depth in [32, 100, 1_000] {
            let error = filter(&nested(depth)).unwrap_err();
            // Far beyond, the parser itself gives up, and may say so in other words.
            assert!(depth > 32 || error.contains("nested deeper"), "{error}");
        }
    }
    let pattern = "%".repeat(257);
    let error = filter(&format!("a LIKE '{pattern}'")).unwrap_err();
    assert!(error.contains("256 characters"), "{error}");
}

/// A condition as a tree, which is written as SQL and answered naively.
#[derive(Clone, Debug)]
enum Node {
    Term(String, Option<bool>),
    Not(Box<Node>),
    Two(bool, Box<Node>, Box<Node>),
}

impl Node {
    fn sql(&self) -> String {
        match self {
            Self::Term(text, _) => text.clone(),
            Self::Not(node) => format!("NOT ({})", node.sql()),
            Self::Two(true, a, b) => format!("({}) AND ({})", a.sql(), b.sql()),
            Self::Two(false, a, b) => format!("({}) OR ({})", a.sql(), b.sql()),
        }
    }

    /// The truth tables of SQL-92, with 0, 1/2 and 1 for false, unknown and true.
    fn truth(&self) -> u8 {
        match self {
            Self::Term(_, None) => 1,
            Self::Term(_, Some(truth)) => 2 * u8::from(*truth),
            Self::Not(node) => 2 - node.truth(),
            Self::Two(true, a, b) => a.truth().min(b.truth()),
            Self::Two(false, a, b) => a.truth().max(b.truth()),
        }
    }
}

/// A comparison of the header `n`, which is `number`, or of one that is not there.
fn term(number: i64) -> impl Strategy<Value = Node> {
    let kinds = (0..8_u8, number - 2..number + 3, prop::bool::ANY);
    kinds.prop_map(move |(kind, other, is_there)| {
        let name = if is_there { "n" } else { "gone" };
        let (sql, truth) = match kind {
            0 => (format!("{name} = {other}"), number == other),
            1 => (format!("{name} <> {other}.0"), number != other),
            2 => (format!("{name} < {other}"), number < other),
            3 => (format!("{other} < {name}"), other < number),
            4 => (format!("{name} >= {other}"), number >= other),
            5 => (
                format!("{name} BETWEEN {other} AND {}", other + 1),
                (other..=other + 1).contains(&number),
            ),
            6 => (
                format!("{name} IN (0, {other})"),
                number == 0 || number == other,
            ),
            _ => (format!("{name} = '{other}'"), number == other),
        };
        Node::Term(sql, is_there.then_some(truth))
    })
}

fn tree(number: i64) -> impl Strategy<Value = Node> {
    term(number).prop_recursive(5, 40, 2, |inner| {
        let two = (prop::bool::ANY, inner.clone(), inner.clone());
        prop_oneof![
            inner.prop_map(|node| Node::Not(Box::new(node))),
            two.prop_map(|(and, a, b)| Node::Two(and, Box::new(a), Box::new(b))),
        ]
    })
}

proptest! {
    #[test]
    fn a_condition_means_what_the_truth_tables_say(
        (number, node) in (-3_i64..4).prop_flat_map(|number| (Just(number), tree(number))),
    ) {
        let sql = node.sql();
        let filter = filter(&sql).map_err(TestCaseError::fail)?;
        let value = number.to_string();
        let message = message(&[("n", &value)]);
        prop_assert_eq!(filter.accepts(&message), node.truth() == 2, "{}", sql);
    }

    #[test]
    fn no_text_panics(text in any::<String>()) {
        let _ = filter(&text);
    }

    /// Noise out of the language's own words gets further than any other.
    #[test]
    fn no_words_panic(words in prop::collection::vec("a|'b'|\"c\"|-?[0-9.]{1,3}|[()=<>,%!.|:\\[-]|AND|OR|NOT|IN|IS|NULL|LIKE|ESCAPE|BETWEEN|TRUE|CASE|CAST|SELECT|INTERVAL|DATE|/\\*", 0..24)) {
        let text = words.join(" ");
        if let Ok(filter) = filter(&text) {
            let _ = filter.accepts(&message(&[("a", "1"), ("c", "b")]));
        }
    }
}
