//! points: one for each whole 1.00 paid. Key: the user id.
//!
//! State: `points`, `order/<order>` for each order that brought some, and `revoked/<order>` for each
//! that was refunded. Points hear of paid orders, not of payments: a payment that is refunded may
//! never have paid an order.

pub mod domain;

use serde::{Deserialize, Serialize};
use wasmill_plugin_kit::messages::{OrderNews, RevokePoints, topic};
use wasmill_sdk::{Failure, Host, Message, Request, Response, reject};

use domain::Journal;

wasmill_sdk::export!(handle, answer);

/// Handles a paid or a refunded order of the user who is its key.
///
/// # Errors
/// What the host refused, or a message that is none of ours.
pub fn handle(host: &mut impl Host, message: &Message) -> Result<(), Failure> {
    match message.topic.as_str() {
        topic::ORDER_PAID => add(host, &message.json()?),
        topic::POINTS_REVOKE => revoke(host, &message.json()?),
        _ => Err(message.unexpected()),
    }
}

/// Answers `GET /users/{id}/points`. Who never paid has none.
pub fn answer(host: &mut impl Host, user_id: &str, _request: &Request) -> Response {
    let points = match host.load("points") {
        Ok(points) => points.unwrap_or(0),
        Err(_) => return Response::unavailable(),
    };
    Response::ok(
        &View {
            user_id: user_id.to_owned(),
            points,
        },
        true,
    )
}

/// A user's points as `GET /users/{id}/points` shows them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// The user.
    pub user_id: String,
    /// How many.
    pub points: u64,
}

fn add(host: &mut impl Host, paid: &OrderNews) -> Result<(), Failure> {
    let journal = journal(host, &paid.order_id)?;
    let Some(earned) = domain::to_add(journal, paid.pay_amount) else {
        return Ok(());
    };
    let points: u64 = host.load("points")?.unwrap_or(0);
    host.save("points", &(points + earned))?;
    host.save(&earned_by(&paid.order_id), &earned)
}

fn revoke(host: &mut impl Host, ask: &RevokePoints) -> Result<(), Failure> {
    let journal = journal(host, &ask.order_id)?;
    let Some(lost) = domain::to_revoke(journal) else {
        return Ok(());
    };
    if lost > 0 {
        let points: u64 = host.load("points")?.unwrap_or(0);
        let left = points.checked_sub(lost);
        let left = left.ok_or_else(|| reject("more points than there are"))?;
        host.save("points", &left)?;
    }
    host.save(&revoked_from(&ask.order_id), &lost)
}

fn journal(host: &mut impl Host, order_id: &str) -> Result<Journal, Failure> {
    Ok(Journal {
        earned: host.load(&earned_by(order_id))?,
        revoked: host.load(&revoked_from(order_id))?,
    })
}

fn earned_by(order_id: &str) -> String {
    format!("order/{order_id}")
}

fn revoked_from(order_id: &str) -> String {
    format!("revoked/{order_id}")
}
