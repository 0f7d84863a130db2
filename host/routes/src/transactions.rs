//! `[transactions.TOPIC]`: how half messages to a topic are asked about.

use std::sync::Arc;
use std::time::Duration;

use wasmill_model::Name;
use wasmill_model::half::{CheckPolicy, OnUndecided};
use wasmill_model::routes::TopicPattern;

use crate::names;
use crate::table::{Field, Table};
use crate::topics::Topics;
use crate::units;

/// Shortest time between two questions.
const INTERVAL_MIN: Duration = Duration::from_millis(10);
/// Longest one.
const INTERVAL_MAX: Duration = Duration::from_secs(30 * 24 * 3600);
/// Most questions.
const CHECKS_MAX: u64 = 10_000;

/// Reads all of the tables.
pub(crate) fn read(root: &mut Table<'_>, topics: &Topics) -> Vec<(TopicPattern, Arc<CheckPolicy>)> {
    let Some(table) = root.get("transactions").and_then(|field| field.table()) else {
        return Vec::new();
    };
    let read = table.all().filter_map(|named| {
        let policy = one(named.field.table()?);
        let known = names::topic_pattern(named.name).and_then(|it| topics.met_by(it));
        if let Err(what) = known {
            table
                .report
                .add(named.name_offset, format!("the topic {what}"));
            return None;
        }
        Some((TopicPattern::new(named.name), Arc::new(policy)))
    });
    read.collect()
}

fn one(mut table: Table<'_>) -> CheckPolicy {
    let mut policy = CheckPolicy::default();
    let mut span = |key, into: &mut Duration| {
        if let Some(field) = table.get(key) {
            let read = units::duration(&field, INTERVAL_MIN, INTERVAL_MAX);
            *into = read.unwrap_or(INTERVAL_MIN);
        }
    };
    span("first_check", &mut policy.first);
    span("interval", &mut policy.interval);
    if let Some(count) = table.get("checks_max") {
        let number = count.integer(1, CHECKS_MAX);
        policy.count_max = number.and_then(|it| u32::try_from(it).ok()).unwrap_or(1);
    }
    if let Some(undecided) = table.get("on_undecided") {
        let choices = [
            ("abandon", OnUndecided::Abandon),
            ("commit", OnUndecided::Commit),
            ("rollback", OnUndecided::RollBack),
        ];
        policy.on_exhausted = undecided.choice(&choices).unwrap_or_default();
    }
    if let Some(hosts) = table.get("check_hosts").and_then(|field| field.items()) {
        policy.check_hosts = hosts.iter().filter_map(host).collect();
    }
    table.finish();
    policy
}

fn host(field: &Field<'_>) -> Option<Name> {
    field.parsed(|text| {
        let port = text.rsplit_once(':').and_then(|(host, port)| {
            let plain = !host.is_empty() && !host.contains(['/', '@', ' ']);
            port.parse::<u16>().ok().filter(|port| plain && *port > 0)
        });
        match port {
            Some(_) => Ok(text.into()),
            None => Err("is no `host:port`, such as `127.0.0.1:9000`".to_owned()),
        }
    })
}
