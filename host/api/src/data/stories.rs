//! `GET /v1/messages`, `/v1/messages/ID`, `/v1/traces`: what the log tells of messages, and which
//! wait for longer than it is kept.

use std::fmt::Display;
use std::str::FromStr;

use axum::extract::State as Extracted;
use axum::http::Uri;
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;
use wasmill_model::{MessageId, Millis, Name};
use wasmill_service::Told;
use wasmill_service::story::Filter;

use super::answers::{Always, Missing};
use super::form::{Segment, json, page_limit, parse_time, query};
use super::pending::Service;
use super::told::{ShownPage, ShownStory, ShownTrace};
use super::{Operator, Routes, Shared};
use crate::Platform;
use crate::api::State;
use crate::error::Error;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Page {
    /// Only those with this key, or that a subscription has under it.
    key: Option<String>,
    /// Only those of this topic.
    topic: Option<String>,
    /// Only those of this flow.
    #[param(pattern = "^[0-9a-f]{32}$")]
    correlation: Option<String>,
    /// Only those stored at this time (RFC 3339) or later.
    from: Option<String>,
    /// Only those stored before this time.
    to: Option<String>,
    /// Only those after this place: what an earlier answer had as `next`.
    after: Option<String>,
    /// How many at most; 100 if not given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct OfKey {
    /// The key that messages have, or that a subscription has them under.
    key: String,
}

pub(super) fn routes<P: Platform + Operator>() -> Routes<P> {
    Routes::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(trace_key))
        .routes(routes!(trace))
}

/// Look messages up in the log and among those that wait, newest first, without bodies.
#[utoipa::path(get, path = "/v1/messages", tag = "messages",
    operation_id = "find_messages", params(Page),
    responses((status = 200, description = "As many as asked for, or fewer.", body = ShownPage),
        Always))]
async fn list<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    uri: Uri,
) -> Result<Response, Error> {
    let page: Page = query(&uri)?;
    let limit = page_limit(page.limit)?;
    let after = page.after.map(|it| parse("after", &it)).transpose()?;
    let from = page.from.map(|it| parse_time("from", &it)).transpose()?;
    let to = page.to.map(|it| parse_time("to", &it)).transpose()?;
    let correlation = page.correlation.map(|it| parse("correlation", &it));
    let filter = Filter {
        key: page.key.map(Name::from),
        topic: page.topic.map(Name::from),
        correlation: correlation.transpose()?,
        from: from.unwrap_or(Millis(0)),
        to: to.unwrap_or(Millis::MAX),
    };
    let found = state.platform()?.find_messages(filter, after, limit);
    Ok(json(&ShownPage::of(&found.await?)))
}

/// Tell a message's story: what the log has of it, and how it waits.
#[utoipa::path(get, path = "/v1/messages/{id}", tag = "messages", operation_id = "show_message",
    params(("id" = String, Path, description = "Its id: 32 hexadecimal digits.")),
    responses((status = 200, description = "The message and its story.", body = ShownStory),
        Always, Missing))]
async fn show<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    Segment(text): Segment,
) -> Result<Response, Error> {
    let told = state.platform()?.message_story(parse("id", &text)?).await?;
    match told.stories.first() {
        Some((_, story)) => {
            let service = Service::of(&state)?;
            Ok(json(&ShownStory::of(story, &told.extent, &service)))
        }
        None => Err(not_there(&format!("message `{text}`"))),
    }
}

/// Tell the story of a flow.
#[utoipa::path(get, path = "/v1/traces/{correlation}", tag = "messages",
    operation_id = "trace_flow",
    params(("correlation" = String, Path, description = "The id of the message that began it.")),
    responses((status = 200, description = "Its messages as a tree.", body = ShownTrace),
        Always, Missing))]
async fn trace<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    Segment(text): Segment,
) -> Result<Response, Error> {
    let correlation: MessageId = parse("correlation", &text)?;
    let told = state.platform()?.flow_story(correlation).await?;
    traced(
        &state,
        &told,
        &format!("message with the correlation id `{text}`"),
    )
}

/// Tell the stories of all flows that have a message of this key.
#[utoipa::path(get, path = "/v1/traces", tag = "messages", operation_id = "trace_key",
    params(OfKey),
    responses((status = 200, description = "Their messages as trees.", body = ShownTrace),
        Always, Missing))]
async fn trace_key<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    uri: Uri,
) -> Result<Response, Error> {
    let OfKey { key } = query(&uri)?;
    let told = state.platform()?.key_story(&key.as_str().into()).await?;
    traced(&state, &told, &format!("message with the key `{key}`"))
}

fn traced<P: Platform + Operator>(
    state: &State<P>,
    told: &Told,
    what: &str,
) -> Result<Response, Error> {
    match told.stories.is_empty() {
        true => Err(not_there(what)),
        false => Ok(json(&ShownTrace::of(told, &Service::of(state)?))),
    }
}

fn not_there(what: &str) -> Error {
    Error::Missing(format!(
        "there is no {what} that waits, and the log has none: it never had, or no longer keeps it"
    ))
}

/// Reads a part of the request that has a form of its own.
fn parse<T: FromStr<Err: Display>>(field: &str, text: &str) -> Result<T, Error> {
    text.parse()
        .map_err(|error| Error::bad(field, format!("{error}")))
}
