//! `[topics.NAME]`: the policies of a topic.

use std::time::Duration;

use toml::de::DeValue;
use wasmill_model::limits::{BODY_BYTES_MAX, HEADERS_BYTES_MAX, HEADERS_COUNT_MAX, MessageLimits};
use wasmill_model::routes::{LogRetention, Quota, Rate, Topic, TopicPattern};

use crate::log::AGE_MAX;
use crate::table::{Field, Table};
use crate::units;

/// Shortest time for which messages can be looked up.
const RETENTION_MIN: Duration = Duration::from_secs(1);
/// Most messages a second, and at once.
const MESSAGES_MAX: u64 = 1_000_000_000;
/// Most bytes a second, and at once.
const BYTES_MAX: usize = 1 << 40;

/// Reads the table.
pub(crate) fn read(pattern: TopicPattern, mut table: Table<'_>, log: &LogRetention) -> Topic {
    see_to_nested(&pattern, &mut table);
    let limits = limits(&mut table);
    let topic = Topic {
        retention: table
            .get("retention")
            .and_then(|field| retention(&field, log)),
        pending_max: table
            .get("pending_max")
            .and_then(|field| field.integer(1, i64::MAX as u64)),
        quota: Quota {
            messages: messages(&mut table),
            bytes: bytes(&mut table, limits.body_bytes_max),
        },
        limits,
        pattern,
    };
    table.finish();
    topic
}

/// The usual cause of a table in a table is a topic with dots written without quotes.
fn see_to_nested(topic: &TopicPattern, table: &mut Table<'_>) {
    let nested = table.all().filter(|it| {
        let value = it.field.value.get_ref();
        matches!(value, DeValue::Table(_))
    });
    for nested in nested.collect::<Vec<_>>() {
        let (topic, name) = (topic.as_str(), nested.name);
        let what = format!(
            "topic `{topic}` has the unknown key `{name}`; if the topic is `{topic}.{name}`, put \
             it in quotes"
        );
        table.report.add(nested.name_offset, what);
        table.seen_to(name);
    }
}

fn limits(table: &mut Table<'_>) -> MessageLimits {
    let mut limits = MessageLimits::default();
    if let Some(field) = table.get("body_bytes_max") {
        limits.body_bytes_max = units::bytes(&field, BODY_BYTES_MAX).unwrap_or(1);
    }
    if let Some(field) = table.get("headers_bytes_max") {
        limits.headers_bytes_max = units::bytes(&field, HEADERS_BYTES_MAX).unwrap_or(1);
    }
    if let Some(field) = table.get("headers_count_max") {
        let count = field.integer(0, HEADERS_COUNT_MAX as u64);
        limits.headers_count_max = count.and_then(|it| usize::try_from(it).ok()).unwrap_or(0);
    }
    limits
}

fn retention(field: &Field<'_>, log: &LogRetention) -> Option<Duration> {
    let retention = units::duration(field, RETENTION_MIN, AGE_MAX)?;
    if retention <= log.age_max {
        return Some(retention);
    }
    let [asked, kept] = [retention, log.age_max].map(humantime::format_duration);
    field.refuse(format!(
        "is {asked}, but the log is kept for {kept}: shorten it, or raise `retention` in [log]"
    ));
    None
}

fn messages(table: &mut Table<'_>) -> Option<Rate> {
    let rate = table.get("messages_per_second");
    let burst = table.get("messages_burst");
    let count = |field: Field<'_>| field.integer(1, MESSAGES_MAX);
    let Some(rate) = rate else {
        refuse_alone(burst, "messages_per_second");
        return None;
    };
    let per_second = count(rate)?;
    let burst = burst.map_or(Some(per_second), count)?;
    Some(Rate { per_second, burst })
}

/// A body as large as it may be must pass at some time, so a burst has room for one.
fn bytes(table: &mut Table<'_>, body_bytes_max: usize) -> Option<Rate> {
    let rate = table.get("bytes_per_second");
    let burst = table.get("bytes_burst");
    let Some(rate) = rate else {
        refuse_alone(burst, "bytes_per_second");
        return None;
    };
    let per_second = units::bytes(&rate, BYTES_MAX)?;
    let burst = match burst {
        None => per_second.max(body_bytes_max),
        Some(field) => {
            let burst = units::bytes(&field, BYTES_MAX)?;
            if burst < body_bytes_max {
                let [burst, body] = [burst, body_bytes_max].map(units::size);
                field.refuse(format!(
                    "is {burst}, in which a body of {body} never has room: raise it, or lower \
                     `body_bytes_max`"
                ));
            }
            burst
        }
    };
    let [per_second, burst] = [per_second, burst].map(|it| it as u64);
    Some(Rate { per_second, burst })
}

fn refuse_alone(burst: Option<Field<'_>>, rate: &str) {
    if let Some(field) = burst {
        field.refuse(format!("has no meaning without `{rate}`; add that too"));
    }
}
