//! `/v1/subscriptions`: how they stand, and halted keys set going again.

use axum::extract::State as Extracted;
use axum::http::Uri;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use wasmill_model::Name;
use wasmill_service::{Halted, Resume, SubscriptionStatus};

use super::form::{Count, Segment, json, query};
use super::{Operator, Shared};
use crate::Platform;
use crate::error::Error;

/// Halted keys that an answer tells of.
const HALTED_COUNT_MAX: usize = 1_000;

#[derive(Serialize)]
struct Subscriptions {
    subscriptions: Vec<SubscriptionStatus>,
}

#[derive(Serialize)]
struct HaltedKeys {
    halted: Vec<Shown>,
}

#[derive(Serialize)]
struct Shown {
    subscription: Name,
    key: Option<Name>,
    message: String,
    topic: Name,
    attempts: u32,
    cause: String,
    behind: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    key: Option<String>,
    #[serde(default)]
    give_up: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

pub(super) async fn list<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    uri: Uri,
) -> Result<Response, Error> {
    let Nothing {} = query(&uri)?;
    let platform = state.platform()?;
    let subscriptions = platform.subscriptions().await?;
    Ok(json(&Subscriptions { subscriptions }))
}

pub(super) async fn halted<P: Platform + Operator>(
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

pub(super) async fn resume<P: Platform + Operator>(
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
