//! Guests: which workload's handler is called, and what their handlers have in common.

use bytes::Bytes;
use rand::Rng;
use rand::rngs::StdRng;
use serde::Deserialize;
use wasmill_model::Name;
use wasmill_model::effects::{Failure, FailureKind};
use wasmill_port::Call;
use wasmill_port::call::CallError;

use crate::{archive, bank, chimes, errands, ferries, jobs, lines, news, press, tolls, vouchers};

/// Handles a message; `luck` decides whether the guest traps.
pub(crate) async fn handle(
    plugin: &Name,
    call: &mut Call,
    luck: &mut StdRng,
) -> Result<(), Failure> {
    let result = match plugin.as_str() {
        bank::PLUGIN => bank::handle(call).await,
        errands::PLUGIN => errands::handle(call),
        jobs::PLUGIN => jobs::handle(call),
        lines::PLUGIN => lines::handle(call),
        press::PLUGIN => press::handle(call),
        chimes::PLUGIN => chimes::handle(call),
        news::PLUGIN => news::handle(call),
        tolls::PLUGIN => tolls::handle(call),
        ferries::PLUGIN => ferries::handle(call),
        archive::PLUGIN => archive::handle(call),
        vouchers::PLUGIN => vouchers::handle(call),
        other => panic!("a message for plugin `{other}`, which does not exist"),
    };
    // A trap at the very end is the worst one: everything was done, nothing may stay.
    match luck.random_ratio(1, 12) {
        true => Err(failure(FailureKind::Retry, "the guest trapped")),
        false => result,
    }
}

/// Notes that something happened, which must not have happened before.
pub(crate) fn once(call: &mut Call, name: &str) -> Result<(), Failure> {
    assert_eq!(call.get(name)?, None, "{name} happened before");
    assert!(call.claim(name, 3_600_000)?, "{name} was claimed before");
    put(call, name, 1).map_err(Into::into)
}

/// Counts one more under `name`.
pub(crate) fn bump(call: &mut Call, name: &str) -> Result<(), CallError> {
    let count = get(call, name)?.unwrap_or(0);
    put(call, name, count + 1)
}

/// The number under `name` in the key's state.
pub(crate) fn get(call: &Call, name: &str) -> Result<Option<i64>, CallError> {
    Ok(number(call.get(name)?.as_ref()))
}

/// Writes a number.
pub(crate) fn put(call: &mut Call, name: &str, value: i64) -> Result<(), CallError> {
    call.put(name, Some(value.to_string().into()))
}

/// A number as it is written.
pub(crate) fn number(value: Option<&Bytes>) -> Option<i64> {
    let text = |bytes| std::str::from_utf8(bytes).expect("a number");
    value.map(|bytes| text(bytes).parse().expect("a number"))
}

/// The body of the message that is handled.
pub(crate) fn body<T: for<'a> Deserialize<'a>>(call: &Call) -> T {
    serde_json::from_slice(&call.delivery().message.body).expect("a body of ours")
}

/// A failure of this kind.
pub(crate) fn failure(kind: FailureKind, cause: &str) -> Failure {
    Failure {
        kind,
        cause: cause.to_owned(),
    }
}
