//! points: one for each whole 1.00 paid. Key: the user id.
//!
//! State: `points`, and `order/<order>` for each order that brought some. Points hear of paid
//! orders, not of payments: a payment that is refunded never paid an order.

pub mod domain;

use serde::{Deserialize, Serialize};
use wasmill_plugin_kit::messages::{OrderNews, topic};
use wasmill_plugin_kit::{Failure, Host, Message, Request, Response, decode, reject};

wasmill_plugin_kit::step_with_query!(handle, answer);

/// Handles a paid order of the user who is its key.
///
/// # Errors
/// What the host refused, or a message that is none of ours.
pub fn handle<H: Host>(host: &mut H, message: &Message) -> Result<(), Failure> {
    match message.topic.as_str() {
        topic::ORDER_PAID => add(host, &decode(message)?),
        other => Err(reject(format!(
            "points handles no `{other}`: check its subscriptions"
        ))),
    }
}

/// Answers `GET /users/{id}/points`. Who never paid has none.
pub fn answer<H: Host>(host: &mut H, user_id: &str, _request: &Request) -> Response {
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

fn add<H: Host>(host: &mut H, paid: &OrderNews) -> Result<(), Failure> {
    let journal = format!("order/{}", paid.order_id);
    let earned = domain::earned(paid.pay_amount);
    if earned == 0 || host.get(&journal)?.is_some() {
        return Ok(());
    }
    let points: u64 = host.load("points")?.unwrap_or(0);
    host.save("points", &(points + earned))?;
    host.save(&journal, &earned)
}
