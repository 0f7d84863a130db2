//! What a file means, and what is said about one that is wrong.

mod http;
mod plugins;
mod schedules;
mod signatures;
mod subscriptions;
mod topics;
mod whole;

use wasmill_model::Routes;

use super::parse;

const DOCUMENTATION: &str = include_str!("../../../../docs/routes.md");

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
