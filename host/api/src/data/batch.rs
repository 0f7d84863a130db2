//! `POST /v1/messages/batch`: many messages in one request.

use axum::body::Body;
use axum::extract::State as Extracted;
use axum::http::Request;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;
use wasmill_json::ListError;
use wasmill_service::{AcceptError, Receipt};

use super::answers::{Always, OfBody};
use super::form::{json, posted_as};
use super::messages::{Message, Sent, incoming, refused};
use super::{Operator, Routes, Shared};
use crate::Platform;
use crate::error::{Description, Error, in_batch};

/// Room for one message of the largest size, or for a thousand of 16 KiB.
const REQUEST_BYTES_MAX: usize = 16 << 20;
/// Messages of a batch.
const COUNT_MAX: usize = 1_000;

/// Messages to be sent.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes what `read` reads")]
#[schema(as = OutgoingMessages)]
struct Messages {
    /// Taken in one after the other: 16 MiB of request at most.
    #[schema(max_items = 1000)]
    messages: Vec<Message>,
}

/// What became of each message, in their order.
#[derive(Serialize, ToSchema)]
struct Batch {
    /// How many were not taken in.
    refused: usize,
    results: Vec<Outcome>,
}

/// What became of a message: it was taken in, or refused.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum Outcome {
    Sent(Sent),
    Refused(Refusal),
}

/// Why a message was not taken in, as if it had been sent alone.
#[derive(Serialize, ToSchema)]
struct Refusal {
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    detail: String,
    /// The part of the message that is wrong, if one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    field: Option<String>,
    /// After how many seconds to send it again, if it may be taken in then.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    retry_after: Option<u64>,
    /// The topic that takes no more for now, or nothing as large, as it is declared, if that is why.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    topic: Option<String>,
    /// Which of its bounds it has passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    quota: Option<&'static str>,
    /// Which of its bounds the message is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    limit: Option<&'static str>,
}

pub(super) fn routes<P: Platform + Operator>() -> Routes<P> {
    Routes::new().routes(routes!(send))
}

/// Take messages in, in their order, each by itself. They are durable when the answer comes.
///
/// One that is malformed refuses all of them with 400, and `field` says which, as in
/// `messages[3].delay`. Otherwise one that is refused leaves the
/// others as they are, but after one that found no room (429, 503) none finds room: what is left,
/// sent again, keeps the order of every key.
#[utoipa::path(post, path = "/v1/messages/batch", tag = "messages",
    operation_id = "send_messages", request_body = Messages,
    responses((status = 200, description = "What became of each.", body = Batch),
        Always, OfBody))]
async fn send<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    request: Request<Body>,
) -> Result<Response, Error> {
    let platform = state.platform()?;
    let _place = state.enter()?;
    let posted = posted_as(&state, request, REQUEST_BYTES_MAX, read).await?;
    let messages = posted.value.into_iter().enumerate();
    let all = messages.map(|(index, message)| {
        let mut incoming = incoming(message).map_err(|error| error.within(index))?;
        posted.trace.clone().join(&mut incoming.headers);
        Ok(incoming)
    });
    let results = platform
        .accept_all(all.collect::<Result<_, Error>>()?)
        .await?;
    let results: Vec<_> = results.into_iter().map(outcome).collect();
    let is_refused = |it: &&Outcome| matches!(it, Outcome::Refused(_));
    let refused = results.iter().filter(is_refused).count();
    Ok(json(&Batch { refused, results }))
}

/// The messages of a batch.
fn read(text: &[u8]) -> Result<Vec<Message>, Error> {
    let read = wasmill_json::read_list(text, &["messages"]);
    let messages: Vec<_> = read.map_err(|ListError { index, cause }| Error::Bad {
        field: index.map(in_batch),
        detail: match index {
            Some(index) => format!("message {index}: {cause}"),
            None => format!("the body is no batch of messages: {cause}"),
        },
    })?;
    match messages.len() <= COUNT_MAX {
        true => Ok(messages),
        false => {
            let detail = format!("a batch has at most {COUNT_MAX} messages: send several");
            Err(Error::bad("messages", detail))
        }
    }
}

fn outcome(result: Result<Receipt, AcceptError>) -> Outcome {
    match result {
        Ok(receipt) => Outcome::Sent(Sent::from(&receipt)),
        Err(error) => Outcome::Refused(refused(error).describe().into()),
    }
}

impl From<Description> for Refusal {
    fn from(described: Description) -> Self {
        Self {
            status: described.status.as_u16(),
            retry_after: described.retry_after_seconds(),
            detail: described.detail,
            field: described.field,
            topic: described.topic,
            quota: described.quota,
            limit: described.limit,
        }
    }
}
