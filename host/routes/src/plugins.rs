//! `[plugins.NAME]`: a plugin's config, limits and grants.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use wasmill_model::Name;
use wasmill_model::routes::{CallLimits, Isolation, PluginSettings};

use crate::config;
use crate::grants;
use crate::names;
use crate::table::{Field, Table};
use crate::units;

/// Most memory of an instance: what a 32-bit component can address.
const MEMORY_BYTES_MAX: usize = 4 << 30;
/// Most fuel of a call.
const FUEL_MAX: u64 = 1_000_000_000_000;
/// Longest handler call.
const DEADLINE_MAX: Duration = Duration::from_secs(3600);
/// Most messages of a call.
const SENDS_MAX: u64 = 100_000;
/// Most bytes that a call sends and writes.
const EFFECT_BYTES_MAX: usize = 256 << 20;

/// Most handlers of a plugin at once.
const CONCURRENCY_MAX: u64 = 4_096;
/// Largest share of a plugin.
const SHARE_MAX: u64 = 100;

/// Reads all of the tables.
pub(crate) fn read(root: &mut Table<'_>) -> BTreeMap<Name, Arc<PluginSettings>> {
    let Some(table) = root.get("plugins").and_then(|field| field.table()) else {
        return BTreeMap::new();
    };
    let mut plugins = BTreeMap::new();
    for named in table.all() {
        if let Err(what) = names::plugin_name(named.name) {
            table
                .report
                .add(named.name_offset, format!("the plugin's name {what}"));
        }
        if let Some(settings) = named.field.table().map(one) {
            plugins.insert(named.name.into(), Arc::new(settings));
        }
    }
    plugins
}

fn one(mut table: Table<'_>) -> PluginSettings {
    let mut settings = PluginSettings::default();
    if let Some(values) = table.get("config").and_then(|field| field.table()) {
        settings.config = config::read(&values);
    }
    if let Some(isolation) = table.get("isolation") {
        let choices = [
            ("pooled", Isolation::Pooled),
            ("per-message", Isolation::PerMessage),
        ];
        settings.isolation = isolation.choice(&choices).unwrap_or_default();
    }
    if let Some(concurrency) = table
        .get("concurrency")
        .and_then(|field| field.integer(1, CONCURRENCY_MAX))
    {
        settings.concurrency = usize::try_from(concurrency).unwrap_or(usize::MAX);
    }
    if let Some(share) = table
        .get("share")
        .and_then(|field| field.integer(1, SHARE_MAX))
    {
        settings.share = u32::try_from(share).unwrap_or(u32::MAX);
    }
    if let Some(table) = table.get("limits").and_then(|field| field.table()) {
        settings.limits = limits(table);
    }
    if let Some(table) = table.get("grants").and_then(|field| field.table()) {
        settings.grants = grants::read(table);
    }
    for name in settings.grants.secrets.keys() {
        if settings.config.contains_key(name) {
            table.refuse(format!(
                "has `{name}` among its config and among its secrets, which `config.get` both \
                 returns: rename one"
            ));
        }
    }
    table.finish();
    settings
}

fn limits(mut table: Table<'_>) -> CallLimits {
    let mut limits = CallLimits::default();
    let size = |field: Option<Field<'_>>, max| field.and_then(|field| units::bytes(&field, max));
    if let Some(bytes) = size(table.get("memory_bytes_max"), MEMORY_BYTES_MAX) {
        limits.memory_bytes_max = bytes;
    }
    if let Some(fuel) = table
        .get("fuel_max")
        .and_then(|field| field.integer(1, FUEL_MAX))
    {
        limits.fuel_max = fuel;
    }
    if let Some(field) = table.get("deadline") {
        let deadline = units::duration(&field, Duration::from_millis(1), DEADLINE_MAX);
        limits.deadline = deadline.unwrap_or(limits.deadline);
    }
    if let Some(sends) = table
        .get("sends_max")
        .and_then(|field| field.integer(1, SENDS_MAX))
    {
        limits.sends_max = usize::try_from(sends).unwrap_or(usize::MAX);
    }
    if let Some(bytes) = size(table.get("effect_bytes_max"), EFFECT_BYTES_MAX) {
        limits.effect_bytes_max = bytes;
    }
    table.finish();
    limits
}
