//! `/v1/transactions`: half messages prepared, settled, listed and shown.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State as Extracted;
use axum::http::{Request, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;
use wasmill_model::half::Owner;
use wasmill_model::{Decision, Half, Name};
use wasmill_port::check_back;
use wasmill_service::{HalfId, HalfOf, Incoming, Settled, Transaction};

use super::answers::{Always, Conflicting, Missing, OfBody, Refusing};
use super::form::{Segment, json, page_limit, query};
use super::shown::{ShownMessage, show_message, time};
use super::{Operator, Routes, Shared, messages};
use crate::Platform;
use crate::error::Error;

/// What names a transaction, for the document.
const ID: &str = "`PARTITION.MESSAGE`, as it was answered or listed.";

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Page {
    /// Only those after this one: what an earlier answer had as `next`.
    #[param(pattern = "^[0-9]+[.][0-9a-f]{32}$")]
    after: Option<String>,
    /// How many at most; 100 if not given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// A half message that was taken in.
#[derive(Serialize, ToSchema)]
struct Prepared {
    /// By which it is committed and rolled back.
    transaction: String,
    /// The id of the message that is delivered once it is committed.
    #[schema(pattern = "^[0-9a-f]{32}$")]
    message: String,
    /// Whether it had been taken in before, under the same `id`.
    duplicate: bool,
}

/// What stands.
#[derive(Serialize, ToSchema)]
struct Stands {
    /// The transaction.
    transaction: String,
    /// The first decision.
    state: State,
    /// Whether it was decided before.
    before: bool,
}

/// How a transaction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = TransactionState)]
enum State {
    Prepared,
    Abandoned,
    Committed,
    RolledBack,
}

/// A page of transactions.
#[derive(Serialize, ToSchema)]
#[schema(as = Transactions)]
struct Shown {
    /// Those that nobody has decided about.
    transactions: Vec<ShownHalf>,
    /// What to ask for `after` to see more; none if there are no more.
    next: Option<String>,
}

/// A transaction that nobody has decided about.
#[derive(Serialize, ToSchema)]
#[schema(as = Transaction)]
struct ShownHalf {
    /// By which it is committed and rolled back.
    transaction: String,
    /// `prepared` while it is asked about, `abandoned` after that.
    state: State,
    /// The plugin whose handler prepared it.
    #[schema(value_type = Option<String>)]
    plugin: Option<Name>,
    /// The key of that handler.
    #[schema(value_type = Option<String>)]
    scope_key: Option<Name>,
    /// Its name there.
    #[schema(value_type = Option<String>)]
    name: Option<Name>,
    /// Where the producer outside that prepared it is asked.
    #[schema(value_type = Option<String>)]
    check_url: Option<Name>,
    #[schema(format = DateTime)]
    prepared_at: String,
    /// How often its owner was asked and did not know.
    checks: u32,
    /// When it is asked next.
    #[schema(format = DateTime)]
    next_check: Option<String>,
    /// Why the last check brought no decision.
    cause: Option<String>,
    message: ShownMessage,
}

/// A transaction, or what became of it.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum ShownOrSettled {
    Unsettled(Box<ShownHalf>),
    Settled(Stands),
}

/// For producers, who may have much to do at once.
pub(super) fn producers_routes<P: Platform + Operator>() -> Routes<P> {
    Routes::new()
        .routes(routes!(prepare))
        .routes(routes!(commit))
        .routes(routes!(roll_back))
}

pub(super) fn operators_routes<P: Platform + Operator>() -> Routes<P> {
    Routes::new().routes(routes!(list)).routes(routes!(show))
}

/// Prepare a half message: durable when the answer comes, and delivered once it is committed.
#[utoipa::path(post, path = "/v1/transactions", tag = "transactions",
    operation_id = "prepare_transaction", request_body = messages::Message,
    responses((status = 202, description = "The half message is durable.", body = Prepared),
        Always, OfBody, Conflicting))]
async fn prepare<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    request: Request<Body>,
) -> Result<Response, Error> {
    let platform = state.platform()?;
    let receipt = messages::take_in(&state, request, |mut message| {
        let check_url = message.check_url.take();
        let incoming = messages::incoming(message)?;
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

/// Commit a transaction: its message is delivered. The first decision stands.
#[utoipa::path(post, path = "/v1/transactions/{id}/commit", tag = "transactions",
    operation_id = "commit_transaction", params(("id" = String, Path, description = ID)),
    responses((status = 200, description = "It is committed.", body = Stands),
        Always, Missing, Refusing))]
async fn commit<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    Segment(id): Segment,
) -> Result<Response, Error> {
    settle(state.platform()?, &id, Decision::Commit).await
}

/// Roll a transaction back: its message is never delivered. The first decision stands.
#[utoipa::path(post, path = "/v1/transactions/{id}/rollback", tag = "transactions",
    operation_id = "roll_transaction_back", params(("id" = String, Path, description = ID)),
    responses((status = 200, description = "It is rolled back.", body = Stands),
        Always, Missing, Refusing))]
async fn roll_back<P: Platform + Operator>(
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
        return Err(Error::Conflict(detail));
    }
    Ok(json(&Stands {
        transaction: id.to_owned(),
        state: decided(decision),
        before,
    }))
}

/// Show a transaction with its message, or what was decided in the last 72 hours.
#[utoipa::path(get, path = "/v1/transactions/{id}", tag = "transactions",
    operation_id = "show_transaction", params(("id" = String, Path, description = ID)),
    responses((status = 200, description = "The transaction, or what was decided.",
        body = inline(ShownOrSettled)), Always, Missing))]
async fn show<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    Segment(id): Segment,
) -> Result<Response, Error> {
    let id = parse("id", &id)?;
    let found = match state.platform()?.transaction(id).await? {
        Transaction::Unsettled(half) => ShownOrSettled::Unsettled(Box::new(shown(id, &half, true))),
        Transaction::Settled(decision) => ShownOrSettled::Settled(Stands {
            transaction: id.to_string(),
            state: decided(decision),
            before: true,
        }),
    };
    Ok(json(&found))
}

/// List the transactions that nobody has decided about, without bodies.
#[utoipa::path(get, path = "/v1/transactions", tag = "transactions",
    operation_id = "list_transactions", params(Page),
    responses((status = 200, description = "As many as asked for, or fewer if they are large.",
        body = Shown), Always))]
async fn list<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    uri: Uri,
) -> Result<Response, Error> {
    let Page { after, limit } = query(&uri)?;
    let limit = page_limit(limit)?;
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
    let (scope, name, check_url) = match half.owner.clone() {
        Owner::Plugin { scope, name } => (Some(scope), Some(name), None),
        Owner::Producer { check_url } => (None, None, check_url),
    };
    ShownHalf {
        transaction: id.to_string(),
        state: match half.next_check {
            Some(_) => State::Prepared,
            None => State::Abandoned,
        },
        plugin: scope.as_ref().map(|scope| scope.plugin.clone()),
        scope_key: scope.map(|scope| scope.key),
        name,
        check_url,
        prepared_at: time(half.prepared_at),
        checks: half.checks,
        next_check: half.next_check.map(time),
        cause: half.cause.clone(),
        message: show_message(&half.message, whole),
    }
}
