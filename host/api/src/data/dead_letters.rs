//! `/v1/dead-letters`: list, show, deliver again, do away with.

use std::time::{Duration, SystemTime};

use axum::extract::State as Extracted;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use wasmill_model::record::DeadLetter;
use wasmill_model::{Message, Millis, Name};
use wasmill_service::{Letter, LetterId};

use super::form::{Count, Segment, json, query};
use super::subscriptions::known;
use super::{Operator, Shared};
use crate::Platform;
use crate::error::Error;

/// Letters of a page, unless the request says otherwise, and at most.
const PAGE_COUNT: usize = 100;
const PAGE_COUNT_MAX: usize = 1_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    subscription: Option<String>,
    after: Option<String>,
    limit: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct To {
    to: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AllTo {
    subscription: String,
    to: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct All {
    subscription: String,
}

/// A page of letters.
#[derive(Serialize)]
struct Letters {
    dead_letters: Vec<Shown>,
    /// What to ask for `after` to see more; none if there are no more.
    next: Option<String>,
}

/// What became of a subscription's letters.
#[derive(Serialize)]
struct Redriven {
    count: u64,
    /// Those that have no key where they were to go stay.
    refused: u64,
    first_refused: Option<Refused>,
}

#[derive(Serialize)]
struct Refused {
    id: String,
    cause: String,
}

/// A letter, as it is shown.
#[derive(Serialize)]
struct Shown {
    id: String,
    subscription: Name,
    key: Option<Name>,
    attempts: u32,
    cause: String,
    at: String,
    message: ShownMessage,
}

#[derive(Serialize)]
pub(super) struct ShownMessage {
    id: String,
    topic: Name,
    key: Option<Name>,
    tag: Option<Name>,
    /// Name and value of each.
    headers: Vec<(Name, Name)>,
    produced_at: String,
    correlation: String,
    causation: Option<String>,
    body_bytes: usize,
    #[serde(flatten)]
    body: Option<ShownBody>,
}

/// A body that is text, or whatever else.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ShownBody {
    Body(String),
    BodyBase64(String),
}

impl ShownBody {
    pub(crate) fn of(body: &[u8]) -> Self {
        match str::from_utf8(body) {
            Ok(text) => Self::Body(text.to_owned()),
            Err(_) => Self::BodyBase64(BASE64.encode(body)),
        }
    }
}

pub(super) async fn list<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    uri: Uri,
) -> Result<Response, Error> {
    let Page {
        subscription,
        after,
        limit,
    } = query(&uri)?;
    let limit = limit.unwrap_or(PAGE_COUNT);
    if !(1..=PAGE_COUNT_MAX).contains(&limit) {
        let detail = format!("`limit` is from 1 to {PAGE_COUNT_MAX}");
        return Err(Error::bad("limit", detail));
    }
    let after = after.map(|it| parse("after", &it)).transpose()?;
    let subscription = subscription.map(Name::from);
    let platform = state.platform()?;
    let page = platform.dead_letters(subscription.as_ref(), after.as_ref(), limit);
    let wasmill_service::Page { letters, next } = page.await?;
    // A slip must not look like good news. Letters of subscriptions that are gone are found.
    if let (true, Some(subscription)) = (letters.is_empty(), subscription) {
        known(platform, subscription).await?;
    }
    let next = next.map(|id| id.to_string());
    let shown = letters
        .iter()
        .map(|Letter { id, letter }| show_one(id, letter, false));
    let dead_letters = shown.collect();
    Ok(json(&Letters { dead_letters, next }))
}

pub(super) async fn show<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    Segment(id): Segment,
) -> Result<Response, Error> {
    let id = parse("id", &id)?;
    let platform = state.platform()?;
    let letter = platform.dead_letter(&id).await?;
    Ok(json(&show_one(&id, &letter, true)))
}

pub(super) async fn redrive<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    Segment(id): Segment,
    uri: Uri,
) -> Result<Response, Error> {
    let (id, To { to }) = (parse("id", &id)?, query(&uri)?);
    let platform = state.platform()?;
    platform.redrive(&id, to.map(Name::from).as_ref()).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(super) async fn redrive_all<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    uri: Uri,
) -> Result<Response, Error> {
    let AllTo { subscription, to } = query(&uri)?;
    let platform = state.platform()?;
    let (subscription, to) = (Name::from(subscription), to.map(Name::from));
    let redriven = platform.redrive_all(&subscription, to.as_ref()).await?;
    if redriven == wasmill_service::Redriven::default() {
        known(platform, subscription).await?;
    }
    let first_refused = redriven.first_refused.map(|(id, cause)| Refused {
        id: id.to_string(),
        cause: cause.to_string(),
    });
    Ok(json(&Redriven {
        count: redriven.count,
        refused: redriven.refused,
        first_refused,
    }))
}

pub(super) async fn purge<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    Segment(id): Segment,
) -> Result<Response, Error> {
    let id = parse("id", &id)?;
    let platform = state.platform()?;
    platform.purge(&id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(super) async fn purge_all<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    uri: Uri,
) -> Result<Response, Error> {
    let All { subscription } = query(&uri)?;
    let platform = state.platform()?;
    let subscription = Name::from(subscription);
    let count = platform.purge_all(&subscription).await?;
    if count == 0 {
        known(platform, subscription).await?;
    }
    Ok(json(&Count { count }))
}

fn parse(field: &str, id: &str) -> Result<LetterId, Error> {
    id.parse()
        .map_err(|error| Error::bad(field, format!("{error}")))
}

fn show_one(id: &LetterId, letter: &DeadLetter, whole: bool) -> Shown {
    Shown {
        id: id.to_string(),
        subscription: letter.subscription.clone(),
        key: letter.key.clone(),
        attempts: letter.attempts,
        cause: letter.cause.clone(),
        at: time(letter.at),
        message: show_message(&letter.message, whole),
    }
}

pub(super) fn show_message(message: &Message, whole: bool) -> ShownMessage {
    ShownMessage {
        id: message.id.to_string(),
        topic: message.topic.clone(),
        key: message.key.clone(),
        tag: message.tag.clone(),
        headers: message.headers.clone(),
        produced_at: time(message.produced_at),
        correlation: message.correlation.to_string(),
        causation: message.causation.map(|id| id.to_string()),
        body_bytes: message.body.len(),
        body: whole.then(|| ShownBody::of(&message.body)),
    }
}

/// As RFC 3339 has it.
pub(super) fn time(at: Millis) -> String {
    let at = SystemTime::UNIX_EPOCH + Duration::from_millis(at.0);
    humantime::format_rfc3339_millis(at).to_string()
}
