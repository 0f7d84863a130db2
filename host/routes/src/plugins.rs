//! `[plugins.NAME]`: a plugin's config, limits and grants.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;
use std::sync::Arc;
use std::time::Duration;

use wasmill_model::Name;
use wasmill_model::routes::{CallLimits, Grants, Isolation, PluginSettings};

use crate::config;
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
        settings.grants = grants(table);
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

fn grants(mut table: Table<'_>) -> Grants {
    let mut grants = Grants::default();
    if let Some(hosts) = table.get("http").and_then(|field| field.items()) {
        grants.http = hosts.iter().filter_map(|item| item.parsed(host)).collect();
    }
    if let Some(files) = table.get("files") {
        grants.files = files.boolean().unwrap_or_default();
    }
    if let Some(variables) = table.get("env").and_then(|field| field.table()) {
        for named in variables.all() {
            if named.name.is_empty() || named.name.contains(['=', '\0']) {
                named
                    .field
                    .refuse("cannot name an environment variable: remove `=` and NUL");
            }
            if let Some(value) = named.field.text() {
                grants.env.insert(named.name.to_owned(), value.to_owned());
            }
        }
    }
    table.finish();
    grants
}

/// A `host` or `host:port`, in lower case.
fn host(text: &str) -> Result<String, String> {
    let wrong =
        || format!("is `{text}`, but must be a host or host:port such as `api.example.com:443`");
    let (host, port) = split_port(text);
    let port_fits = port.is_none_or(|port| {
        port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|n| n > 0)
    });
    let host_fits = match host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => is_domain(host),
    };
    if port_fits && host_fits {
        Ok(text.to_ascii_lowercase())
    } else {
        Err(wrong())
    }
}

/// Splits at the colon of a port; those inside `[...]` belong to an IPv6 address.
fn split_port(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (text, None),
    }
}

/// Whether this is a DNS name or an IPv4 address.
fn is_domain(host: &str) -> bool {
    let label = |label: &str| {
        let inner = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        (1..=63).contains(&label.len())
            && label.bytes().all(inner)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    host.len() <= 253 && host.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_with_and_without_port_are_granted() {
        for text in [
            "127.0.0.1:18080",
            "api.example.com",
            "localhost:1",
            "[::1]:80",
            "[::1]",
        ] {
            assert_eq!(host(text).as_deref(), Ok(text));
        }
        assert_eq!(host("API.Example.com").as_deref(), Ok("api.example.com"));
    }

    #[test]
    fn urls_wildcards_and_bad_ports_are_no_hosts() {
        let wrong = [
            "", "http://a", "a/b", "*.a.com", "a:0", "a:65536", "a:+1", "a:", "::1", "[::1", "a b",
            "-a.com", "a..b", ":80",
        ];
        for text in wrong {
            assert!(host(text).is_err(), "{text}");
        }
    }
}
