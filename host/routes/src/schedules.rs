//! `[schedules.NAME]`: messages that the host sends by itself, when a cron expression says so.

use std::collections::BTreeMap;
use std::sync::Arc;

use toml::de::DeValue;
use wasmill_model::limits::{
    BODY_BYTES_MAX, HEADERS_BYTES_MAX, HEADERS_COUNT_MAX, KEY_BYTES_MAX, TAG_BYTES_MAX,
};
use wasmill_model::routes::{Missed, SCHEDULE_HEADER, SCHEDULED_AT_HEADER, Schedule, Timing, Zone};
use wasmill_model::{Millis, Name, chosen};

use crate::config;
use crate::names;
use crate::suggest::did_you_mean;
use crate::table::{Field, Named, Table, article};
use crate::topics::Topics;
use crate::units;

/// Most schedules.
const SCHEDULES_MAX: usize = 1_000;

/// Expressions that have a name.
pub(crate) const NICKNAMES: [&str; 6] = [
    "@yearly",
    "@annually",
    "@monthly",
    "@weekly",
    "@daily",
    "@hourly",
];

/// Reads all of the tables.
pub(crate) fn read(root: &mut Table<'_>, topics: &Topics) -> BTreeMap<Name, Arc<Schedule>> {
    let Some(table) = root.get("schedules").and_then(|field| field.table()) else {
        return BTreeMap::new();
    };
    let count = table.all().count();
    if count > SCHEDULES_MAX {
        table.refuse(format!(
            "has {count} schedules, more than the {SCHEDULES_MAX} allowed"
        ));
    }
    let all = table.all().filter_map(|named| one(&named, topics));
    all.map(|it| (it.name.clone(), Arc::new(it))).collect()
}

fn one(named: &Named<'_>, topics: &Topics) -> Option<Schedule> {
    let mut table = named.field.table()?;
    let name = names::schedule_name(named.name)
        .map_err(|what| table.refuse(what))
        .ok();
    let zone = table.get("time_zone");
    let zone = zone.map_or(Some(Zone::UTC), |field| {
        field.parsed(|text| Timing::zone_named(text).map_err(|error| error.to_string()))
    });
    // The other fields are read all the same, so that every problem comes to light at once.
    let timing = table
        .require("cron", "write an expression such as `30 3 * * *`")
        .and_then(|field| {
            let zone = zone.unwrap_or(Zone::UTC);
            field.parsed(|text| timing(text, zone))
        });
    let topic = table
        .require("topic", "name the topic that the messages go to")
        .and_then(|field| topics.declared(&field));
    let mut bounded = |key, max| table.get(key).and_then(|field| text(&field, max));
    let (key, tag) = (bounded("key", KEY_BYTES_MAX), bounded("tag", TAG_BYTES_MAX));
    let headers = table.get("headers").and_then(|field| headers(&field));
    let body = table.get("body").map(|field| body(&field));
    let missed = table.get("missed").and_then(|field| {
        let word = |policy: Missed| (policy.as_str(), policy);
        field.choice(&[Missed::Skip, Missed::Once, Missed::All].map(word))
    });
    table.finish();
    zone?;
    let schedule = Schedule {
        name: name?.into(),
        timing: timing?,
        topic: topic?.into(),
        key,
        tag,
        headers: headers.unwrap_or_default(),
        body: body.unwrap_or_default().into(),
        missed: missed.unwrap_or_default(),
    };
    if let Err(over) = topics.check(&schedule.message(Millis::MAX)) {
        let topic = &schedule.topic;
        named.field.refuse(format!(
            "sends messages over the limits of topic `{topic}`: {over}"
        ));
    }
    Some(schedule)
}

fn timing(text: &str, zone: Zone) -> Result<Timing, String> {
    Timing::new(text, zone).map_err(|error| match text.starts_with('@') {
        true => format!(
            "is `{text}`, which is none of {}{}",
            NICKNAMES.join(", "),
            did_you_mean(text, NICKNAMES)
        ),
        false => error.to_string(),
    })
}

/// A text that is not empty, of at most `max` bytes.
fn text(field: &Field<'_>, max: usize) -> Option<Name> {
    field.parsed(|text| match text.len() {
        0 => Err("is empty; leave it out".to_owned()),
        length if length > max => Err(format!("has {length} bytes, more than the {max} allowed")),
        _ => Ok(text.into()),
    })
}

fn headers(field: &Field<'_>) -> Option<Vec<(Name, Name)>> {
    let table = field.table()?;
    let (mut headers, mut bytes) = (Vec::new(), 0);
    for named in table.all() {
        let is_own = [SCHEDULE_HEADER, SCHEDULED_AT_HEADER].contains(&named.name);
        if named.name.is_empty() || is_own || chosen::is_reserved(named.name) {
            let what = "is no header of yours to set: the host tells of the schedule there";
            named.field.refuse(what);
        }
        if let Some(value) = named.field.text() {
            bytes += named.name.len() + value.len();
            headers.push((named.name.into(), value.into()));
        }
    }
    // Room for the host's two.
    let (count_max, bytes_max) = (HEADERS_COUNT_MAX - 2, HEADERS_BYTES_MAX - 256);
    if headers.len() > count_max || bytes > bytes_max {
        table.refuse(format!(
            "has {} headers of {}, more than the {count_max} of {} allowed",
            headers.len(),
            units::size(bytes),
            units::size(bytes_max)
        ));
    }
    Some(headers)
}

/// A text as it is; a table or list as JSON.
fn body(field: &Field<'_>) -> String {
    match field.value.get_ref() {
        DeValue::String(_) | DeValue::Table(_) | DeValue::Array(_) => {}
        other => field.refuse(format!(
            "is {} {}, but must be a text in quotes, or a table, which is sent as JSON",
            article(other.type_str()),
            other.type_str()
        )),
    }
    let body = config::text(field.value.get_ref());
    if body.len() > BODY_BYTES_MAX {
        let [size, max] = [body.len(), BODY_BYTES_MAX].map(units::size);
        field.refuse(format!("has {size}, more than the {max} allowed"));
    }
    body
}
