//! The shop's terms, from the operator's config.

use std::fmt::Display;
use std::str::FromStr;

use wasmill_plugin_kit::{Failure, Host, retry};

use crate::domain::Terms;

/// Reads `saga_timeout`, `payment_deadline`, `shipping_fee` and `free_shipping_above`.
///
/// # Errors
/// A failure to retry: the order is right, and the operator may still correct the config.
pub(crate) fn terms(host: &impl Host) -> Result<Terms, Failure> {
    Ok(Terms {
        saga_timeout: span(host, "saga_timeout", "2m")?,
        payment_deadline: span(host, "payment_deadline", "30m")?,
        shipping_fee: parsed(host, "shipping_fee", "1000")?,
        free_shipping_above: parsed(host, "free_shipping_above", "10000")?,
    })
}

/// Milliseconds of a span like `2m` or `500ms`.
fn span(host: &impl Host, name: &str, default: &str) -> Result<u64, Failure> {
    let span: humantime::Duration = parsed(host, name, default)?;
    Ok(u64::try_from(span.as_millis()).unwrap_or(u64::MAX / 4))
}

fn parsed<T: FromStr<Err: Display>>(
    host: &impl Host,
    name: &str,
    default: &str,
) -> Result<T, Failure> {
    let text = host.config(name);
    let text = text.as_deref().unwrap_or(default);
    text.parse()
        .map_err(|error| retry(format!("config `{name}` = `{text}`: {error}")))
}
