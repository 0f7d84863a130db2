//! Whatever is in a routes file, it is read, or refused with reasons.

use wasmill_fuzz::Target;
use wasmill_routes::parse;

/// The shop's routes, and what they do not use.
const FIRST: [&str; 3] = [
    include_str!("../../../examples/shop/routes.toml"),
    include_str!("all.toml"),
    "[topics]\na = {}\n\n[subscriptions.s]\ntopic = \"a\"\nplugin = \"p\"\n",
];

/// Conditions with all that the language has.
const FILTERS: [&str; 2] = [
    "region IN ('eu', 'uk') AND (amount >= 1000 OR \"x-priority\" = 'high') AND NOT test = TRUE",
    "a BETWEEN -1 AND 2.50 AND b IS NOT NULL OR TAGS LIKE 'a!_%' ESCAPE '!' AND c NOT IN (1, 2)",
];

#[test]
fn fuzzed_routes_are_read_or_refused_with_a_reason() {
    let first = FIRST.map(|text| text.as_bytes().to_vec());
    Target::new("routes", &first).run(|bytes| {
        // The host reads the file as text first.
        let Ok(text) = std::str::from_utf8(bytes) else {
            return "no text".to_owned();
        };
        match parse(text) {
            Ok(routes) => format!("{} subscriptions", routes.subscriptions().count()),
            Err(errors) => {
                let said = errors.to_string();
                assert!(!said.trim().is_empty(), "refused without a reason");
                said
            }
        }
    });
}

#[test]
fn fuzzed_filters_are_read_or_refused_with_a_reason() {
    let first = FILTERS.map(|text| text.as_bytes().to_vec());
    Target::new("filters", &first).run(|bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return "no text".to_owned();
        };
        match wasmill_routes::filter(text) {
            Ok(_) => "read".to_owned(),
            Err(said) => {
                assert!(!said.trim().is_empty(), "refused without a reason");
                said
            }
        }
    });
}

#[test]
fn the_first_inputs_are_good() {
    for text in FILTERS {
        wasmill_routes::filter(text).unwrap_or_else(|error| panic!("{error}"));
    }
    for text in FIRST {
        parse(text).unwrap_or_else(|errors| panic!("{errors}"));
    }
}
