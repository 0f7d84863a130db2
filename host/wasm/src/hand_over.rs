//! Messages handed over to a guest, by whichever handler it has.

use std::pin::pin;

use tokio::time::Instant;
use wasmill_model::effects::Failure;
use wasmill_port::Delivery;
use wasmtime::Store;

use crate::data::Data;
use crate::deadline::{Passed, within};
use crate::generated::drafts::exports::wasi::messaging::incoming_handler;
use crate::generated::exports::wasmill::plugin::handler;
use crate::generated::wasmill::plugin::types;
use crate::imports;
use crate::translate::{self, IdText};

/// What came of a call: its own answer, unless it trapped, or passed its deadline.
pub(crate) type Answer<T> = Result<wasmtime::Result<T>, Passed>;

/// Calls the contract's handler with a message.
pub(crate) async fn hand_over(
    store: &mut Store<Data>,
    handler: &handler::Guest,
    delivery: &Delivery,
    deadline: Instant,
) -> Answer<Result<(), Failure>> {
    let message = &*delivery.message;
    let (id, correlation) = (IdText::new(message.id), IdText::new(message.correlation));
    let causation = message.causation.map(IdText::new);
    let parameter = types::Message {
        id: id.as_str(),
        topic: &message.topic,
        subscription: &delivery.subscription,
        key: delivery.key.as_deref(),
        tag: message.tag.as_deref(),
        headers: &translate::borrowed(message.sent_headers()),
        body: &message.body,
        produced_at: message.produced_at.0,
        attempt: delivery.attempt,
        correlation: correlation.as_str(),
        causation: causation.as_ref().map(IdText::as_str),
    };
    let answer = within(deadline, pin!(handler.call_handle(store, parameter))).await?;
    Ok(answer.map(|result| result.map_err(translate::failure)))
}

/// Calls the handler of `wasi:messaging` with a message.
pub(crate) async fn hand_over_resource(
    store: &mut Store<Data>,
    handler: &incoming_handler::Guest,
    delivery: &Delivery,
    deadline: Instant,
) -> Answer<Result<(), Failure>> {
    let message = match store.data_mut().incoming(delivery) {
        Ok(message) => message,
        Err(error) => return Ok(Err(error)),
    };
    let answer = within(deadline, pin!(handler.call_handle(store, message))).await?;
    Ok(answer.map(|result| result.map_err(imports::wasi::failure)))
}
