//! `[subscriptions.NAME]`: which messages go to which plugin, and what happens when that fails.

use std::time::{Duration, SystemTime};

use toml::de::DeValue;
use wasmill_model::routes::{
    DedupPolicy, KeySource, OnExhausted, Order, RetrySchedule, Subscription,
};
use wasmill_model::{Millis, Name, Start};

use crate::names;
use crate::suggest::did_you_mean;
use crate::table::{Field, Named, Table};
use crate::topics::Topics;
use crate::units;

/// Most handlers of a subscription at once.
const CONCURRENCY_MAX: u64 = 65_536;
/// Most retries of a schedule.
const RETRIES_MAX: usize = 100;
/// Longest delay of a retry.
const RETRY_DELAY_MAX: Duration = Duration::from_secs(30 * 24 * 3600);

/// Reads all of the tables.
pub(crate) fn read(root: &mut Table<'_>, topics: &Topics) -> Vec<Subscription> {
    match root.get("subscriptions").and_then(|field| field.table()) {
        Some(table) => table
            .all()
            .filter_map(|named| one(&named, topics))
            .collect(),
        None => Vec::new(),
    }
}

fn one(named: &Named<'_>, topics: &Topics) -> Option<Subscription> {
    let mut table = named.field.table()?;
    let name = names::subscription_name(named.name)
        .map_err(|what| table.refuse(what))
        .ok();
    let topic = table
        .require("topic", "name the topic, or a prefix such as `order.*`")
        .and_then(|field| topics.subscribable(&field));
    let plugin = table
        .require("plugin", "name the plugin, which is its file's stem")
        .and_then(|field| field.parsed(|text| names::plugin_name(text).map(str::to_owned)));
    // Names that are wrong are reported; the other fields are read all the same, so that every
    // problem comes to light at once.
    let mut sub = Subscription::new(
        name.unwrap_or_default(),
        topic.unwrap_or_default(),
        plugin.as_deref().unwrap_or_default(),
    );
    let key = table.get("key");
    if let Some(source) = key.as_ref().and_then(key_source) {
        sub.key = Some(source);
    }
    if let Some(tags) = table.get("tags") {
        let read = |text: &str| Ok(names::tags(text)?.into_iter().map(Name::from).collect());
        sub.tags = tags.parsed(read).unwrap_or_default();
    }
    if let Some(filter) = table.get("filter") {
        sub.filter = filter.parsed(crate::filter::filter);
    }
    if let Some(start) = table.get("start") {
        sub.start = start.parsed(position).unwrap_or_default();
    }
    if let Some(order) = table.get("order") {
        let choices = [
            ("key", Order::Key),
            ("none", Order::None),
            ("global", Order::Global),
        ];
        sub.order = order.choice(&choices).unwrap_or_default();
    }
    if let (Some(key), Order::None | Order::Global) = (&key, sub.order) {
        key.refuse("has no meaning unless `order` is `key`; remove one of the two");
    }
    let dedup_field = table.get("dedup");
    sub.dedup = dedup_field.and_then(|field| dedup(&field, sub.order));
    if let Some(concurrency) = table.get("concurrency") {
        let number = concurrency.integer(1, CONCURRENCY_MAX);
        sub.concurrency_max = number.and_then(|n| usize::try_from(n).ok()).unwrap_or(1);
    }
    if let Some(schedule) = table.get("retry").as_ref().and_then(retry) {
        sub.retry = schedule;
    }
    if let Some(exhausted) = table.get("on_exhausted") {
        let choices = [
            ("dead-letter", OnExhausted::DeadLetter),
            ("halt", OnExhausted::Halt),
        ];
        sub.on_exhausted = exhausted.choice(&choices).unwrap_or_default();
    }
    if let Some(broadcast) = table.get("broadcast") {
        sub.broadcast = broadcast.boolean().unwrap_or_default();
    }
    table.finish();
    (name.is_some() && topic.is_some() && plugin.is_some()).then_some(sub)
}

fn key_source(field: &Field<'_>) -> Option<KeySource> {
    field.parsed(|text| match text.strip_prefix("header:") {
        Some("") => Err("names no header; write `header:NAME`".to_owned()),
        Some(name) => Ok(KeySource::Header(name.into())),
        None => match names::pointer(text) {
            Ok(pointer) => Ok(KeySource::Pointer(pointer.to_owned())),
            Err(what) => Err(format!("{what}; a header is `header:NAME`")),
        },
    })
}

fn dedup(field: &Field<'_>, order: Order) -> Option<DedupPolicy> {
    if let DeValue::String(id) = field.value.get_ref() {
        field.refuse(format!(
            "is `{id}`, but must be a table: write `{{ id = \"{id}\" }}`, with a `window` if you like"
        ));
        return None;
    }
    let mut table = field.table()?;
    let id = table.require("id", "say where it is: `/payment_id`, or `header:NAME`");
    let id = id.as_ref().and_then(key_source);
    let window = units::dedup_window(&mut table, "window");
    table.finish();
    if order == Order::None {
        field.refuse(
            "remembers ids in the state of a key, and `order = \"none\"` has no state; remove one \
             of the two",
        );
    }
    Some(DedupPolicy { id: id?, window })
}

fn position(text: &str) -> Result<Start, String> {
    match text {
        "first" => Ok(Start::First),
        "last" => Ok(Start::Last),
        time => {
            let parsed = humantime::parse_rfc3339(time).ok();
            let since = parsed.and_then(|it| it.duration_since(SystemTime::UNIX_EPOCH).ok());
            let millis = since.and_then(|it| u64::try_from(it.as_millis()).ok());
            millis.map(|it| Start::At(Millis(it))).ok_or_else(|| {
                format!(
                    "is `{time}`, but must be `first`, `last` or a time such as \
                     `2026-11-21T08:00:00Z`"
                )
            })
        }
    }
}

fn retry(field: &Field<'_>) -> Option<RetrySchedule> {
    if let DeValue::String(preset) = field.value.get_ref() {
        if preset == "rocketmq" {
            return Some(RetrySchedule::rocketmq());
        }
        let hint = did_you_mean(preset, ["rocketmq"]);
        let remedy = "write a list such as [\"1s\", \"30s\"], or `rocketmq`";
        field.refuse(format!(
            "is `{preset}`, which is no schedule: {remedy}{hint}"
        ));
        return None;
    }
    let items = field.items()?;
    if items.len() > RETRIES_MAX {
        field.refuse(format!(
            "has {} delays, more than the {RETRIES_MAX} allowed",
            items.len()
        ));
    }
    let delays: Vec<_> = items
        .iter()
        .filter_map(|item| units::duration(item, Duration::ZERO, RETRY_DELAY_MAX))
        .collect();
    Some(RetrySchedule::new(delays))
}
