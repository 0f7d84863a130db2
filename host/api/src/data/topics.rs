//! `/v1/topics`: what may be sent to, under which policies, and who receives it.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::State as Extracted;
use axum::http::Uri;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;
use wasmill_model::{Name, limits::MessageLimits};
use wasmill_service::{RateUsed, RefusalCause, TopicLevels, TopicPage, TopicStanding};

use super::answers::{Always, Missing};
use super::form::{Nothing, Segment, json, page_limit, query};
use super::{Operator, Routes, Shared};
use crate::Platform;
use crate::error::Error;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Page {
    /// Only those whose names come after this one, as they are declared.
    after: Option<String>,
    /// How many at most; 100 if not given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// A page of topics.
#[derive(Serialize, ToSchema)]
struct Topics {
    /// In the order of their names, as they are declared.
    #[schema(max_items = 1000)]
    topics: Vec<Shown>,
    /// What to ask for `after` to see more; none if there are no more.
    #[schema(value_type = Option<String>)]
    next: Option<Name>,
}

/// A topic, or prefix of topics, that the routes in force declare.
#[derive(Serialize, ToSchema)]
#[schema(as = Topic)]
struct Shown {
    /// As it is declared: the policies are those of all topics that it is the closest for.
    #[schema(value_type = String)]
    name: Name,
    body_bytes_max: usize,
    headers_bytes_max: usize,
    headers_count_max: usize,
    /// How long messages can be looked up and delivered anew, in seconds; none for as long as the
    /// log has them.
    retention_seconds: Option<u64>,
    /// While so many messages are pending in a subscription, none is taken in from outside.
    pending_max: Option<u64>,
    /// The quota of messages.
    messages: Option<Rate>,
    /// The quota of bytes of bodies.
    bytes: Option<Rate>,
    /// Messages taken in from outside since the host started.
    outside: u64,
    /// Messages that handlers and schedules sent since then.
    inside: u64,
    /// Messages from outside that it refused since then, by cause.
    #[schema(value_type = BTreeMap<String, u64>)]
    refused: BTreeMap<&'static str, u64>,
    /// Who receives what is sent there.
    subscriptions: Vec<Subscriber>,
}

/// A rate, and how much of it is used.
#[derive(Serialize, ToSchema)]
struct Rate {
    per_second: u64,
    /// How many there may be at once, after a pause.
    burst: u64,
    /// How many of these are used: more than there are if handlers sent them.
    used: u64,
}

#[derive(Serialize, ToSchema)]
struct Subscriber {
    #[schema(value_type = String)]
    name: Name,
    /// Messages that wait or run: of all topics that it has.
    pending: u64,
}

pub(super) fn routes<P: Platform + Operator>() -> Routes<P> {
    Routes::new().routes(routes!(list)).routes(routes!(show))
}

/// List the topics that the routes in force declare.
#[utoipa::path(get, path = "/v1/topics", tag = "topics", operation_id = "list_topics",
    params(Page),
    responses((status = 200, description = "A page of them.", body = Topics), Always))]
async fn list<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    uri: Uri,
) -> Result<Response, Error> {
    let Page { after, limit } = query(&uri)?;
    let limit = page_limit(limit)?;
    let page = state.platform()?.topics(after.as_deref(), limit).await?;
    let TopicPage { topics, next } = page;
    let topics = topics.into_iter().map(shown).collect();
    Ok(json(&Topics { topics, next }))
}

/// Show what declares a topic: its name, or the prefix that fits it most closely.
#[utoipa::path(get, path = "/v1/topics/{name}", tag = "topics", operation_id = "show_topic",
    params(("name" = String, Path, description = "The topic, or a prefix as it is declared.")),
    responses((status = 200, description = "How it stands.", body = Shown), Always, Missing))]
async fn show<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    Segment(name): Segment,
    uri: Uri,
) -> Result<Response, Error> {
    let Nothing {} = query(&uri)?;
    match state.platform()?.topic(&name).await? {
        Some(standing) => Ok(json(&shown(standing))),
        None => Err(Error::Missing(format!(
            "topic `{name}` is not declared in the routes"
        ))),
    }
}

fn shown(standing: TopicStanding) -> Shown {
    let TopicStanding {
        topic,
        levels,
        subscriptions,
    } = standing;
    let TopicLevels {
        messages,
        bytes,
        counts,
    } = levels;
    let MessageLimits {
        body_bytes_max,
        headers_bytes_max,
        headers_count_max,
    } = topic.limits;
    let causes = RefusalCause::ALL.into_iter().map(RefusalCause::name);
    let refused = causes.zip(counts.refused);
    let subscriptions = subscriptions.into_iter();
    Shown {
        name: topic.pattern.name().clone(),
        body_bytes_max,
        headers_bytes_max,
        headers_count_max,
        retention_seconds: topic.retention.as_ref().map(Duration::as_secs),
        pending_max: topic.pending_max,
        messages: messages.map(rate),
        bytes: bytes.map(rate),
        outside: counts.outside,
        inside: counts.inside,
        refused: refused.filter(|(_, count)| *count > 0).collect(),
        subscriptions: subscriptions
            .map(|(name, pending)| Subscriber { name, pending })
            .collect(),
    }
}

fn rate(used: RateUsed) -> Rate {
    let RateUsed { rate, used } = used;
    Rate {
        per_second: rate.per_second,
        burst: rate.burst,
        used,
    }
}
