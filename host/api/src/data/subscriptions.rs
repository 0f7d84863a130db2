//! `/v1/subscriptions`: how they stand, and halted keys set going again.

use axum::extract::State as Extracted;
use axum::http::Uri;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;
use wasmill_model::Name;
use wasmill_service::{Halted, Resume, SubscriptionStatus};

use super::answers::{Always, Missing};
use super::form::{Count, Nothing, Segment, json, query};
use super::{Operator, Routes, Shared};
use crate::Platform;
use crate::error::Error;

/// Halted keys that an answer tells of.
const HALTED_COUNT_MAX: usize = 1_000;

#[derive(Serialize, ToSchema)]
struct Subscriptions {
    subscriptions: Vec<Status>,
}

/// How a subscription stands.
#[derive(Serialize, ToSchema)]
#[schema(as = Subscription)]
struct Status {
    #[schema(value_type = String)]
    name: Name,
    /// Messages that wait or run.
    pending: u64,
    /// Runs under way.
    running: usize,
    /// Messages given up since the host started.
    dead_letters: u64,
}

#[derive(Serialize, ToSchema)]
struct HaltedKeys {
    #[schema(max_items = 1000)]
    halted: Vec<Shown>,
}

/// A key that lets no message pass.
#[derive(Serialize, ToSchema)]
#[schema(as = HaltedKey)]
struct Shown {
    #[schema(value_type = String)]
    subscription: Name,
    /// None if the message has no key there.
    #[schema(value_type = Option<String>)]
    key: Option<Name>,
    /// The message that failed.
    message: String,
    #[schema(value_type = String)]
    topic: Name,
    attempts: u32,
    /// Why the last attempt failed.
    cause: String,
    /// How many messages wait behind it.
    behind: u64,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Which {
    /// Only this key; all halted ones if not given.
    key: Option<String>,
    /// The message that failed becomes a dead letter, and the next one is delivered.
    #[serde(default)]
    give_up: bool,
}

pub(super) fn routes<P: Platform + Operator>() -> Routes<P> {
    Routes::new()
        .routes(routes!(list))
        .routes(routes!(halted))
        .routes(routes!(resume))
}

/// List the subscriptions.
#[utoipa::path(get, path = "/v1/subscriptions", tag = "subscriptions",
    operation_id = "list_subscriptions",
    responses((status = 200, description = "All of them.", body = Subscriptions), Always))]
async fn list<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    uri: Uri,
) -> Result<Response, Error> {
    let Nothing {} = query(&uri)?;
    let platform = state.platform()?;
    let all = platform.subscriptions().await?.into_iter();
    let subscriptions = all.map(status).collect();
    Ok(json(&Subscriptions { subscriptions }))
}

/// List a subscription's halted keys.
#[utoipa::path(get, path = "/v1/subscriptions/{name}/halted", tag = "subscriptions",
    operation_id = "list_halted", params(("name" = String, Path, description = "The subscription.")),
    responses((status = 200, description = "Up to 1,000 of them.", body = HaltedKeys),
        Always, Missing))]
async fn halted<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    Segment(name): Segment,
    uri: Uri,
) -> Result<Response, Error> {
    let Nothing {} = query(&uri)?;
    let platform = state.platform()?;
    let name = known(platform, name).await?;
    let halted = platform.halted(Some(&name), HALTED_COUNT_MAX).await?;
    let halted = halted.into_iter().map(shown).collect();
    Ok(json(&HaltedKeys { halted }))
}

/// Set halted keys going again: one, or all that there are now.
#[utoipa::path(post, path = "/v1/subscriptions/{name}/resume", tag = "subscriptions",
    operation_id = "resume_halted",
    params(("name" = String, Path, description = "The subscription."), Which),
    responses((status = 200, description = "How many go on.", body = Count), Always, Missing))]
async fn resume<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    Segment(name): Segment,
    uri: Uri,
) -> Result<Response, Error> {
    let Which { key, give_up } = query(&uri)?;
    let platform = state.platform()?;
    let how = match give_up {
        true => Resume::GiveUp,
        false => Resume::Retry,
    };
    let (name, key) = (known(platform, name).await?, key.map(Name::from));
    let count = platform.resume(&name, key.as_ref(), how).await?;
    Ok(json(&Count { count }))
}

/// The name of a subscription that has messages, or is in the routes.
pub(super) async fn known(platform: &impl Operator, name: impl Into<Name>) -> Result<Name, Error> {
    let name = name.into();
    let mut all = platform.subscriptions().await?.into_iter();
    match all.any(|subscription| subscription.name == name) {
        true => Ok(name),
        false => Err(Error::Missing(format!("there is no subscription `{name}`"))),
    }
}

fn status(status: SubscriptionStatus) -> Status {
    let SubscriptionStatus {
        name,
        pending,
        running,
        dead_letters,
    } = status;
    Status {
        name,
        pending,
        running,
        dead_letters,
    }
}

fn shown(halted: Halted) -> Shown {
    let Halted {
        subscription,
        key,
        message,
        topic,
        attempts,
        cause,
        behind,
    } = halted;
    Shown {
        subscription,
        key,
        message: message.to_string(),
        topic,
        attempts,
        cause,
        behind,
    }
}
