//! `/v1/subscriptions/NAME/position`: where a subscription stands, and moving it elsewhere.

use axum::extract::State as Extracted;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;
use wasmill_model::{Name, Start};
use wasmill_service::Standing;

use super::answers::{Always, Missing, Refusing};
use super::form::{Nothing, Segment, json, parse_time, query};
use super::shown::time;
use super::{Operator, Routes, Shared};
use crate::Platform;
use crate::error::Error;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct To {
    /// `first`, `last`, or a time (RFC 3339).
    to: String,
}

/// Where a subscription stands.
#[derive(Serialize, ToSchema)]
#[schema(as = Position)]
struct Shown {
    #[schema(value_type = String)]
    subscription: Name,
    /// It gets what was sent since then.
    #[schema(format = DateTime)]
    since: String,
    /// Messages that wait or run.
    pending: u64,
    /// When the oldest of them was sent.
    #[schema(format = DateTime)]
    oldest: Option<String>,
    /// The move under way, if one is.
    moving: Option<Moving>,
}

/// A move under way.
#[derive(Serialize, ToSchema)]
struct Moving {
    /// What is done now.
    step: &'static str,
    /// What was sent before is passed over; none if nothing is delivered anew.
    from: Option<String>,
    /// Blocks of the log before this one are done with.
    next_block: Option<u64>,
}

pub(super) fn routes<P: Platform + Operator>() -> Routes<P> {
    Routes::new().routes(routes!(show, move_to))
}

/// Show where a subscription stands.
#[utoipa::path(get, path = "/v1/subscriptions/{name}/position", tag = "subscriptions",
    operation_id = "show_position",
    params(("name" = String, Path, description = "The subscription.")),
    responses((status = 200, description = "Where it stands.", body = Shown), Always, Missing))]
async fn show<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    Segment(name): Segment,
    uri: Uri,
) -> Result<Response, Error> {
    let Nothing {} = query(&uri)?;
    let name = Name::from(name);
    let standing = state.platform()?.position(&name).await?;
    Ok(json(&shown(name, standing)))
}

/// Move a subscription: back to what the log still has, or past what waits.
#[utoipa::path(post, path = "/v1/subscriptions/{name}/position", tag = "subscriptions",
    operation_id = "move_position",
    params(("name" = String, Path, description = "The subscription."), To),
    responses((status = 202, description = "It is moving.", body = Shown),
        Always, Missing, Refusing))]
async fn move_to<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    Segment(name): Segment,
    uri: Uri,
) -> Result<Response, Error> {
    let To { to } = query(&uri)?;
    let to = match to.as_str() {
        "first" => Start::First,
        "last" => Start::Last,
        at if at.starts_with(|char: char| char.is_ascii_digit()) => {
            Start::At(parse_time("to", at)?)
        }
        other => {
            let detail = format!("`{other}` is neither `first`, `last` nor a time");
            return Err(Error::bad("to", detail));
        }
    };
    let name = Name::from(name);
    let standing = state.platform()?.move_to(&name, to).await?;
    Ok((StatusCode::ACCEPTED, json(&shown(name, standing))).into_response())
}

fn shown(subscription: Name, standing: Standing) -> Shown {
    let Standing {
        since,
        waiting: pending,
        oldest,
        moving,
    } = standing;
    let moving = moving.map(|moving| Moving {
        step: match moving.dropped_before.is_empty() {
            true => "replay",
            false => "drop",
        },
        from: moving.replay.map(|replay| time(replay.from)),
        next_block: moving.replay.map(|replay| replay.next_block),
    });
    Shown {
        subscription,
        since: time(since),
        pending,
        oldest: oldest.map(time),
        moving,
    }
}
