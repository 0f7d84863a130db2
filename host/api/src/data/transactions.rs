//! `/v1/transactions`: half messages prepared, settled, listed and shown.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State as Extracted;
use axum::http::{Request, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use wasmill_model::half::Owner;
use wasmill_model::{Decision, Half, Name};
use wasmill_port::check_back;
use wasmill_service::{HalfId, HalfOf, Incoming, Settled, Transaction};

use super::dead_letters::{ShownMessage, show_message, time};
use super::form::{Segment, json, query};
use super::{Operator, Shared, messages};
use crate::Platform;
use crate::error::Error;

/// Transactions of a page, unless the request says otherwise, and at most.
const PAGE_COUNT: usize = 100;
const PAGE_COUNT_MAX: usize = 1_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    after: Option<String>,
    limit: Option<usize>,
}

/// A half message that was taken in.
#[derive(Serialize)]
struct Prepared {
    transaction: String,
    message: String,
    duplicate: bool,
}

/// What stands.
#[derive(Serialize)]
struct Stands {
    transaction: String,
    state: State,
    /// Whether it was decided before.
    before: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    Prepared,
    Abandoned,
    Committed,
    RolledBack,
}

/// A page of transactions.
#[derive(Serialize)]
struct Shown {
    transactions: Vec<ShownHalf>,
    /// What to ask for `after` to see more; none if there are no more.
    next: Option<String>,
}

/// A transaction, as it is shown.
#[derive(Serialize)]
struct ShownHalf {
    transaction: String,
    state: State,
    #[serde(flatten)]
    owner: ShownOwner,
    prepared_at: String,
    checks: u32,
    next_check: Option<String>,
    /// Why the last check brought no decision.
    cause: Option<String>,
    message: ShownMessage,
}

#[derive(Serialize)]
#[serde(untagged)]
enum ShownOwner {
    Plugin { plugin: Name, key: Name, name: Name },
    Producer { check_url: Option<Name> },
}

pub(super) async fn prepare<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    request: Request<Body>,
) -> Result<Response, Error> {
    let platform = state.platform()?;
    let receipt = messages::take_in(&state, request, |incoming, check_url| {
        if let Some(url) = &check_url {
            let policy = platform.check_policy(&incoming.topic);
            check_back::granted(url, &policy.check_hosts)
                .map_err(|cause| Error::bad("check_url", cause))?;
        }
        let check_url = check_url.map(Name::from);
        Ok(Incoming {
            half: Some(HalfOf { check_url }),
            ..incoming
        })
    });
    let receipt = receipt.await?;
    let id = HalfId {
        partition: receipt.partition,
        message: receipt.message,
    };
    let prepared = Prepared {
        transaction: id.to_string(),
        message: receipt.message.to_string(),
        duplicate: receipt.duplicate,
    };
    Ok((StatusCode::ACCEPTED, json(&prepared)).into_response())
}

pub(super) async fn commit<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    Segment(id): Segment,
) -> Result<Response, Error> {
    settle(state.platform()?, &id, Decision::Commit).await
}

pub(super) async fn roll_back<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    Segment(id): Segment,
) -> Result<Response, Error> {
    settle(state.platform()?, &id, Decision::RollBack).await
}

async fn settle(platform: &impl Operator, id: &str, wanted: Decision) -> Result<Response, Error> {
    let Settled { decision, before } = platform.settle(parse("id", id)?, wanted).await?;
    if decision != wanted {
        let stands = match decision {
            Decision::Commit => "committed",
            Decision::RollBack => "rolled back",
        };
        let detail = format!("transaction `{id}` was {stands} before: the first decision stands");
        return Err(Error::Contrary(detail));
    }
    Ok(json(&Stands {
        transaction: id.to_owned(),
        state: decided(decision),
        before,
    }))
}

pub(super) async fn show<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    Segment(id): Segment,
) -> Result<Response, Error> {
    let id = parse("id", &id)?;
    Ok(match state.platform()?.transaction(id).await? {
        Transaction::Unsettled(half) => json(&shown(id, &half, true)),
        Transaction::Settled(decision) => json(&Stands {
            transaction: id.to_string(),
            state: decided(decision),
            before: true,
        }),
    })
}

pub(super) async fn list<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    uri: Uri,
) -> Result<Response, Error> {
    let Page { after, limit } = query(&uri)?;
    let limit = limit.unwrap_or(PAGE_COUNT);
    if !(1..=PAGE_COUNT_MAX).contains(&limit) {
        let detail = format!("`limit` is from 1 to {PAGE_COUNT_MAX}");
        return Err(Error::bad("limit", detail));
    }
    let after = after.map(|it| parse("after", &it)).transpose()?;
    let page = state.platform()?.transactions(after, limit).await?;
    let of = |(id, half): &(HalfId, Arc<Half>)| shown(*id, half, false);
    Ok(json(&Shown {
        transactions: page.unsettled.iter().map(of).collect(),
        next: page.next.map(|id| id.to_string()),
    }))
}

fn parse(field: &str, id: &str) -> Result<HalfId, Error> {
    id.parse()
        .map_err(|error| Error::bad(field, format!("{error}")))
}

fn decided(decision: Decision) -> State {
    match decision {
        Decision::Commit => State::Committed,
        Decision::RollBack => State::RolledBack,
    }
}

fn shown(id: HalfId, half: &Half, whole: bool) -> ShownHalf {
    ShownHalf {
        transaction: id.to_string(),
        state: match half.next_check {
            Some(_) => State::Prepared,
            None => State::Abandoned,
        },
        owner: match half.owner.clone() {
            Owner::Plugin { scope, name } => ShownOwner::Plugin {
                plugin: scope.plugin,
                key: scope.key,
                name,
            },
            Owner::Producer { check_url } => ShownOwner::Producer { check_url },
        },
        prepared_at: time(half.prepared_at),
        checks: half.checks,
        next_check: half.next_check.map(time),
        cause: half.cause.clone(),
        message: show_message(&half.message, whole),
    }
}
