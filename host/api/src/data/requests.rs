//! `POST /v1/request`: a message, and the first one that comes back of its flow.

use std::time::Duration;

use axum::body::Body;
use axum::extract::State as Extracted;
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::answers::{Always, Conflicting, OfBody};
use super::form::{json, posted};
use super::messages::{Message, REQUEST_BYTES_MAX, Sent, incoming, refused, span};
use super::shown::{ShownMessage, show_message};
use super::{Operator, Routes, Shared};
use crate::error::Error;
use crate::{Platform, wait};

/// How long to wait for the reply unless the request says otherwise.
const WAIT: Duration = Duration::from_secs(10);
/// Topics that may bring the reply.
const TOPICS_MAX: usize = 16;

/// A message to be sent, and what is a reply to it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OutgoingRequest)]
struct Asked {
    message: Message,
    /// Topics of which the first message of the same flow is the reply: any but the message's own.
    #[schema(min_items = 1, max_items = 16)]
    reply_on: Vec<String>,
    /// How long to wait for it, such as `2s`: at most a minute, 10 seconds if not given.
    wait: Option<String>,
}

/// A message that was taken in, and its reply.
#[derive(Serialize, ToSchema)]
struct Replied {
    /// The id of the message that was sent.
    message: String,
    reply: ShownMessage,
}

pub(super) fn routes<P: Platform + Operator>() -> Routes<P> {
    Routes::new().routes(routes!(ask))
}

/// Send a message and wait for the reply.
///
/// If none comes in time the answer is 202: the message is durable and its flow goes on. The same
/// `id` again waits for a reply that is still to come.
#[utoipa::path(post, path = "/v1/request", tag = "messages", operation_id = "request",
    request_body = Asked,
    responses((status = 200, description = "The reply.", body = Replied),
        (status = 202, description = "The message is durable; no reply came in time.", body = Sent),
        Always, OfBody, Conflicting))]
async fn ask<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    request: Request<Body>,
) -> Result<Response, Error> {
    let platform = state.platform()?;
    let _place = state.enter()?;
    let posted = posted::<Asked, _>(&state, request, REQUEST_BYTES_MAX, "request").await?;
    let asked = posted.value;
    let wait = wait_of(asked.wait.as_deref(), state.limits.wait_max)?;
    check_topics(&asked)?;
    let mut incoming = incoming(asked.message)?;
    incoming.wait_for = asked.reply_on.into_iter().map(Into::into).collect();
    posted.trace.join(&mut incoming.headers);
    // Nothing of it is held while the reply is waited for.
    drop(posted.held);
    let deadline = Instant::now() + wait;
    let mut receipt = platform.accept(incoming).await.map_err(refused)?;
    let reply = match receipt.outcome.take() {
        Some(reply) => wait::outcome(reply, deadline, state.stopping.subscribe()).await,
        None => None,
    };
    Ok(match reply {
        Some(reply) => json(&Replied {
            message: receipt.message.to_string(),
            reply: show_message(&reply, true),
        }),
        None => (StatusCode::ACCEPTED, json(&Sent::from(&receipt))).into_response(),
    })
}

fn wait_of(text: Option<&str>, wait_max: Duration) -> Result<Duration, Error> {
    let wait = match text {
        Some(text) => span("wait", text)?,
        None => WAIT.min(wait_max),
    };
    if wait > wait_max {
        let detail = format!("`wait` is at most {}", humantime::format_duration(wait_max));
        return Err(Error::bad("wait", detail));
    }
    Ok(wait)
}

fn check_topics(
    Asked {
        message, reply_on, ..
    }: &Asked,
) -> Result<(), Error> {
    if !(1..=TOPICS_MAX).contains(&reply_on.len()) {
        let detail = format!("name 1 to {TOPICS_MAX} topics that bring the reply");
        return Err(Error::bad("reply_on", detail));
    }
    if reply_on.contains(&message.topic) {
        let detail = "the message would be its own reply: name other topics than its own";
        return Err(Error::bad("reply_on", detail));
    }
    Ok(())
}
