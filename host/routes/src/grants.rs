//! `[plugins.NAME.grants]`: what a plugin may do outside the sandbox.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;
use std::path::PathBuf;
use std::time::Duration;

use wasmill_model::Secret;
use wasmill_model::routes::{Grants, HttpLimits, SecretFile};

use crate::table::{Field, Table};
use crate::units;

/// Shortest timeout of outgoing HTTP.
const HTTP_TIME_MIN: Duration = Duration::from_millis(1);
/// Longest timeout of outgoing HTTP: that of a call.
const HTTP_TIME_MAX: Duration = Duration::from_secs(3600);
/// Most bytes of a body in outgoing HTTP.
const HTTP_BYTES_MAX: usize = 256 << 20;
/// Most requests of a plugin at once.
const HTTP_CONCURRENCY_MAX: u64 = 65_536;
/// Most secrets of a plugin.
const SECRETS_MAX: usize = 64;

/// Reads the table.
pub(crate) fn read(mut table: Table<'_>) -> Grants {
    let mut grants = Grants::default();
    if let Some(field) = table.get("http") {
        grants.http = hosts(&field);
    }
    if let Some(field) = table.get("http_private") {
        grants.http_private = hosts(&field);
        for host in &grants.http_private {
            if !grants.http.contains(host) {
                field.refuse(format!(
                    "has `{host}`, which is not among `http`: grant it there as well"
                ));
            }
        }
    }
    if let Some(table) = table.get("http_limits").and_then(|field| field.table()) {
        grants.http_limits = http_limits(table);
    }
    if let Some(files) = table.get("files") {
        grants.files = files.boolean().unwrap_or_default();
    }
    if let Some(variables) = table.get("env").and_then(|field| field.table()) {
        grants.env = env(&variables);
    }
    if let Some(files) = table.get("secrets").and_then(|field| field.table()) {
        grants.secrets = secrets(&files);
    }
    table.finish();
    grants
}

fn hosts(field: &Field<'_>) -> Vec<String> {
    let items = field.items().unwrap_or_default();
    items
        .iter()
        .filter_map(|item| item.parsed(http_host))
        .collect()
}

fn http_limits(mut table: Table<'_>) -> HttpLimits {
    let mut limits = HttpLimits::default();
    let times = [
        ("connect", &mut limits.connect),
        ("first_byte", &mut limits.first_byte),
        ("total", &mut limits.total),
    ];
    for (key, time) in times {
        if let Some(field) = table.get(key) {
            *time = units::duration(&field, HTTP_TIME_MIN, HTTP_TIME_MAX).unwrap_or(*time);
        }
    }
    let sizes = [
        ("request_bytes_max", &mut limits.request_bytes_max),
        ("response_bytes_max", &mut limits.response_bytes_max),
    ];
    for (key, size) in sizes {
        if let Some(field) = table.get(key) {
            *size = units::bytes(&field, HTTP_BYTES_MAX).unwrap_or(*size);
        }
    }
    if let Some(field) = table.get("concurrency") {
        let stated = field.integer(1, HTTP_CONCURRENCY_MAX);
        let stated = stated.and_then(|count| usize::try_from(count).ok());
        limits.concurrency = stated.unwrap_or(limits.concurrency);
    }
    table.finish();
    limits
}

fn env(variables: &Table<'_>) -> BTreeMap<String, String> {
    let mut env = BTreeMap::new();
    for named in variables.all() {
        if named.name.is_empty() || named.name.contains(['=', '\0']) {
            named
                .field
                .refuse("cannot name an environment variable: remove `=` and NUL");
        }
        if let Some(value) = named.field.text() {
            env.insert(named.name.to_owned(), value.to_owned());
        }
    }
    env
}

/// Files of secrets by name. They are read elsewhere: here nothing is opened.
fn secrets(files: &Table<'_>) -> BTreeMap<String, SecretFile> {
    let mut secrets = BTreeMap::new();
    for named in files.all() {
        let path = named.field.parsed(|text| {
            let path = PathBuf::from(text);
            match path.is_absolute() {
                true => Ok(path),
                false => Err(format!(
                    "is `{text}`, but must be the absolute path of a file, such as \
                     `/run/secrets/stripe`"
                )),
            }
        });
        if let Some(path) = path {
            let secret = Secret::default();
            secrets.insert(named.name.to_owned(), SecretFile { path, secret });
        }
    }
    if secrets.len() > SECRETS_MAX {
        files.refuse(format!(
            "has {} secrets, more than the {SECRETS_MAX} allowed",
            secrets.len()
        ));
    }
    secrets
}

/// A `host` or `host:port`, in lower case.
///
/// # Errors
/// What is wrong with it, and the remedy.
pub fn http_host(text: &str) -> Result<String, String> {
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
            assert_eq!(http_host(text).as_deref(), Ok(text));
        }
        assert_eq!(
            http_host("API.Example.com").as_deref(),
            Ok("api.example.com")
        );
    }

    #[test]
    fn urls_wildcards_and_bad_ports_are_no_hosts() {
        let wrong = [
            "", "http://a", "a/b", "*.a.com", "a:0", "a:65536", "a:+1", "a:", "::1", "[::1", "a b",
            "-a.com", "a..b", ":80",
        ];
        for text in wrong {
            assert!(http_host(text).is_err(), "{text}");
        }
    }
}
