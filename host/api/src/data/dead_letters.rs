//! `/v1/dead-letters`: list, show, deliver again, do away with.

use axum::extract::State as Extracted;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;
use wasmill_model::Name;
use wasmill_model::record::DeadLetter;
use wasmill_service::{Letter, LetterId, Through};

use super::answers::{Always, Missing, Refusing};
use super::form::{Count, Segment, json, page_limit, query};
use super::shown::{ShownMessage, show_message, time};
use super::subscriptions::known;
use super::{Operator, Routes, Shared};
use crate::Platform;
use crate::error::Error;

/// What names a letter, for the document.
pub(super) const ID: &str = "`PARTITION.NUMBER.SUBSCRIPTION`, as the list shows it.";

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Page {
    /// Only those of this subscription.
    subscription: Option<String>,
    /// Only those after this one: what an earlier answer had as `next`.
    #[param(pattern = "^[0-9]+[.][0-9]+[.].+$")]
    after: Option<String>,
    /// How many at most; 100 if not given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct To {
    /// Another subscription that gets it; its own if not given.
    to: Option<String>,
    /// The version of that subscription's plugin that alone handles it, by its content hash or the
    /// first 8 or more of its digits; whichever serves then if not given.
    version: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AllTo {
    /// All of this subscription that there are now.
    subscription: String,
    /// Another subscription that gets them; their own if not given.
    to: Option<String>,
    /// The version of that subscription's plugin that alone handles them, by its content hash or the
    /// first 8 or more of its digits; whichever serves then if not given.
    version: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct All {
    /// All of this subscription that there are now.
    subscription: String,
}

/// A page of letters.
#[derive(Serialize, ToSchema)]
#[schema(as = DeadLetters)]
struct Letters {
    /// Without their bodies.
    dead_letters: Vec<Shown>,
    /// What to ask for `after` to see more; none if there are no more.
    next: Option<String>,
}

/// What became of a subscription's letters.
#[derive(Serialize, ToSchema)]
struct Redriven {
    count: u64,
    /// Those that have no key where they were to go stay.
    refused: u64,
    first_refused: Option<Refused>,
}

/// One that stays.
#[derive(Serialize, ToSchema)]
struct Refused {
    id: String,
    cause: String,
}

/// A letter, as it is shown.
#[derive(Serialize, ToSchema)]
#[schema(as = DeadLetter)]
struct Shown {
    /// `PARTITION.NUMBER.SUBSCRIPTION`.
    id: String,
    #[schema(value_type = String)]
    subscription: Name,
    /// The key it had there.
    #[schema(value_type = Option<String>)]
    key: Option<Name>,
    attempts: u32,
    /// Why the last attempt failed.
    cause: String,
    /// When it was given up.
    #[schema(format = DateTime)]
    at: String,
    /// The content hash of the version that it was last redriven through, if one was chosen.
    #[schema(value_type = Option<String>)]
    version: Option<Name>,
    message: ShownMessage,
}

pub(super) fn routes<P: Platform + Operator>() -> Routes<P> {
    Routes::new()
        .routes(routes!(list, purge_all))
        .routes(routes!(redrive_all))
        .routes(routes!(show, purge))
        .routes(routes!(redrive))
}

/// List dead letters, without bodies: in an order that stays.
#[utoipa::path(get, path = "/v1/dead-letters", tag = "dead letters",
    operation_id = "list_dead_letters", params(Page),
    responses((status = 200, description = "As many as asked for, or fewer if they are large.",
        body = Letters), Always, Missing))]
async fn list<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    uri: Uri,
) -> Result<Response, Error> {
    let Page {
        subscription,
        after,
        limit,
    } = query(&uri)?;
    let limit = page_limit(limit)?;
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

/// Show a dead letter with its body.
#[utoipa::path(get, path = "/v1/dead-letters/{id}", tag = "dead letters",
    operation_id = "show_dead_letter", params(("id" = String, Path, description = ID)),
    responses((status = 200, description = "The letter.", body = Shown), Always, Missing))]
async fn show<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    Segment(id): Segment,
) -> Result<Response, Error> {
    let id = parse("id", &id)?;
    let platform = state.platform()?;
    let letter = platform.dead_letter(&id).await?;
    Ok(json(&show_one(&id, &letter, true)))
}

/// Deliver a dead letter again, as a new message there.
#[utoipa::path(post, path = "/v1/dead-letters/{id}/redrive", tag = "dead letters",
    operation_id = "redrive_dead_letter", params(("id" = String, Path, description = ID), To),
    responses((status = 204, description = "It is delivered."), Always, Missing, Refusing))]
async fn redrive<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    Segment(id): Segment,
    uri: Uri,
) -> Result<Response, Error> {
    let id = parse("id", &id)?;
    let To { to, version } = query(&uri)?;
    let to = to.map(Name::from);
    let through = Through {
        to: to.as_ref(),
        version: version.as_deref(),
    };
    state.platform()?.redrive(&id, through).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Deliver a subscription's dead letters again.
#[utoipa::path(post, path = "/v1/dead-letters/redrive", tag = "dead letters",
    operation_id = "redrive_dead_letters", params(AllTo),
    responses((status = 200, description = "How many are.", body = Redriven),
        Always, Missing, Refusing))]
async fn redrive_all<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    uri: Uri,
) -> Result<Response, Error> {
    let AllTo {
        subscription,
        to,
        version,
    } = query(&uri)?;
    let platform = state.platform()?;
    let (subscription, to) = (Name::from(subscription), to.map(Name::from));
    let through = Through {
        to: to.as_ref(),
        version: version.as_deref(),
    };
    let redriven = platform.redrive_all(&subscription, through).await?;
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

/// Do away with a dead letter.
#[utoipa::path(delete, path = "/v1/dead-letters/{id}", tag = "dead letters",
    operation_id = "purge_dead_letter", params(("id" = String, Path, description = ID)),
    responses((status = 204, description = "It is gone."), Always, Missing))]
async fn purge<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    Segment(id): Segment,
) -> Result<Response, Error> {
    let id = parse("id", &id)?;
    let platform = state.platform()?;
    platform.purge(&id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Do away with a subscription's dead letters.
#[utoipa::path(delete, path = "/v1/dead-letters", tag = "dead letters",
    operation_id = "purge_dead_letters", params(All),
    responses((status = 200, description = "How many are gone.", body = Count),
        Always, Missing))]
async fn purge_all<P: Platform + Operator>(
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

pub(super) fn parse(field: &str, id: &str) -> Result<LetterId, Error> {
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
        version: letter.message.chosen_version().cloned(),
        message: show_message(&letter.message, whole),
    }
}
