//! The shop's terms, from the operator's config.

use std::time::Duration;

use wasmill_sdk::{Failure, Host};

use crate::domain::Terms;

/// Reads `saga_timeout`, `payment_deadline`, `shipping_fee` and `free_shipping_above`.
///
/// # Errors
/// A failure to retry: the order is right, and the operator may still correct the config.
pub(crate) fn terms(host: &impl Host) -> Result<Terms, Failure> {
    Ok(Terms {
        saga_timeout: span(host, "saga_timeout", Duration::from_mins(2))?,
        payment_deadline: span(host, "payment_deadline", Duration::from_mins(30))?,
        shipping_fee: host.setting("shipping_fee", 1_000)?,
        free_shipping_above: host.setting("free_shipping_above", 10_000)?,
    })
}

/// Milliseconds of a span like `2m` or `500ms`.
fn span(host: &impl Host, name: &str, default: Duration) -> Result<u64, Failure> {
    let span: humantime::Duration = host.setting(name, default.into())?;
    Ok(u64::try_from(span.as_millis()).unwrap_or(u64::MAX / 4))
}
