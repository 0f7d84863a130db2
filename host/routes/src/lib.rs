//! Reads the operator's routes file: TOML in, checked [`Routes`] out.
//!
//! The file is checked whole. Every problem is reported with its line, column and remedy, all of
//! them at once, and a file with a problem yields no routes.

mod config;
mod filter;
mod grants;
mod http;
mod log;
mod names;
mod path;
mod plugins;
mod policies;
mod report;
mod schedules;
mod signatures;
mod subscriptions;
mod suggest;
mod table;
mod topics;
mod transactions;
mod units;

#[cfg(test)]
mod tests;

use toml::de::DeTable;
use wasmill_model::Routes;

pub use filter::filter;
pub use grants::http_host;
pub use names::plugin_name;
pub use report::{Errors, Problem};
pub use suggest::did_you_mean;

use report::Report;
use table::Table;

/// Largest routes file.
pub const FILE_BYTES_MAX: usize = 4 << 20;

/// Reads a routes file as it lies on the disk.
///
/// # Errors
/// [`Errors`] with every problem found, in the order of the file.
pub fn parse_file(bytes: &[u8]) -> Result<Routes, Errors> {
    match str::from_utf8(bytes) {
        Ok(text) => parse(text),
        Err(error) => {
            let before = &bytes[..error.valid_up_to()];
            let report = Report::new(str::from_utf8(before).unwrap_or_default());
            let cause =
                "the file is not UTF-8 here: write the letter anew, or save the file as UTF-8";
            report.add(before.len(), cause);
            report.into_result(Routes::default())
        }
    }
}

/// Reads the text of a routes file.
///
/// # Errors
/// [`Errors`] with every problem found, in the order of the file.
pub fn parse(text: &str) -> Result<Routes, Errors> {
    let report = Report::new(text);
    if text.len() > FILE_BYTES_MAX {
        let [size, max] = [text.len(), FILE_BYTES_MAX].map(units::size);
        report.add(
            0,
            format!("the file has {size}, more than the {max} allowed"),
        );
        return report.into_result(Routes::default());
    }
    if text.trim().is_empty() {
        let cause = "the file is empty: it may be half written; to route nothing, declare a topic";
        report.add(0, cause.to_owned());
        return report.into_result(Routes::default());
    }
    let (document, syntax) = DeTable::parse_recoverable(text);
    if !syntax.is_empty() {
        // What the parser recovered is a guess: problems in it would mislead.
        for error in syntax {
            let span = error.span().unwrap_or_default();
            report.add(
                span.start,
                explained(error.message(), text.get(span).unwrap_or_default()),
            );
        }
        return report.into_result(Routes::default());
    }
    let mut root = Table::root(&report, document.get_ref());
    let routes = read(&mut root);
    root.finish();
    report.into_result(routes)
}

/// Reads every section, those that others refer to first.
fn read(root: &mut Table<'_>) -> Routes {
    let log = log::read(root);
    let topics = topics::read(root, &log);
    let subscriptions = subscriptions::read(root, &topics);
    let plugins = plugins::read(root);
    let schedules = schedules::read(root, &topics);
    let queries = http::queries(root);
    let ingress = http::ingress(root, &topics, &queries);
    let checks = transactions::read(root, &topics);
    let mut routes = Routes::new(topics.into_topics(), subscriptions);
    routes.plugins = plugins;
    routes.schedules = schedules;
    routes.queries = queries.into_routes();
    routes.ingress = ingress;
    routes.checks = checks;
    routes.log = log;
    routes.signatures = signatures::read(root);
    routes
}

/// A message of the TOML parser, with its remedy where it has none.
fn explained(message: &str, subject: &str) -> String {
    match message {
        "duplicate key" => format!("`{subject}` is given twice; rename or remove one"),
        // The parser breaks some messages into lines.
        _ => message.split_whitespace().collect::<Vec<_>>().join(" "),
    }
}
