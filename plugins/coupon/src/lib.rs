//! coupon: an amount off, for one user and one order. Key: the coupon id.
//!
//! State: `coupon`, which knows the order that uses it, and `closed/<order>` for each order that
//! was refused or gave it back: such an order never gets it any more.

pub mod domain;
mod door;

use serde::{Deserialize, Serialize};
use wasmill_plugin_kit::messages::{
    CouponUsed, PutCoupon, Refused, Rejected, ReleaseCoupon, UseCoupon, topic,
};
use wasmill_sdk::{Failure, Host, Message, Request, Response};

use domain::{Closed, Coupon};
pub use door::admit;

wasmill_sdk::export!(handle, admit, answer);

/// Handles a message of the coupon that is its key.
///
/// # Errors
/// What the host refused, or a message that is none of ours.
pub fn handle(host: &mut impl Host, message: &Message) -> Result<(), Failure> {
    match message.topic.as_str() {
        topic::COUPON_USE => use_up(host, &message.json()?),
        topic::COUPON_RELEASE => release(host, &message.json()?),
        topic::COUPON_PUT => put(host, &message.json()?),
        _ => Err(message.unexpected()),
    }
}

/// Answers `GET /coupons/{id}`.
pub fn answer(host: &mut impl Host, id: &str, _request: &Request) -> Response {
    Response::of_state(host, "coupon", "coupon", |coupon: Coupon| {
        Response::ok(&View::of(id, &coupon), true)
    })
}

/// A coupon as `GET /coupons/{id}` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// The coupon.
    pub coupon_id: String,
    /// Who may use it.
    pub user_id: String,
    /// Its worth.
    pub amount: u64,
    /// `unused` or `used`.
    pub state: String,
    /// The order that uses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<String>,
}

impl View {
    fn of(id: &str, coupon: &Coupon) -> Self {
        Self {
            coupon_id: id.to_owned(),
            user_id: coupon.user_id.clone(),
            amount: coupon.amount,
            state: if coupon.used_by.is_some() {
                "used"
            } else {
                "unused"
            }
            .to_owned(),
            order_id: coupon.used_by.clone(),
        }
    }
}

fn use_up(host: &mut impl Host, ask: &UseCoupon) -> Result<(), Failure> {
    let closed = closed_to(&ask.order_id);
    let coupon: Option<Coupon> = host.load("coupon")?;
    let mine = coupon
        .as_ref()
        .is_some_and(|coupon| coupon.is_used_by(&ask.order_id));
    if mine || host.get(&closed)?.is_some() {
        return Ok(());
    }
    match domain::use_up(coupon, ask, host.now()) {
        Ok(coupon) => {
            host.save("coupon", &coupon)?;
            let used = CouponUsed {
                order_id: ask.order_id.clone(),
                amount: coupon.amount,
            };
            host.send(topic::COUPON_USED, &ask.order_id, &used)
        }
        Err(rejection) => {
            host.save(&closed, &Closed::Refused)?;
            let rejected = Rejected {
                order_id: ask.order_id.clone(),
                by: ask.coupon_id.clone(),
                cause: rejection.to_string(),
            };
            host.send(topic::COUPON_REJECTED, &ask.order_id, &rejected)
        }
    }
}

fn release(host: &mut impl Host, ask: &ReleaseCoupon) -> Result<(), Failure> {
    let closed = closed_to(&ask.order_id);
    if host.get(&closed)?.is_some() {
        return Ok(());
    }
    let coupon: Option<Coupon> = host.load("coupon")?;
    if let Some(coupon) = coupon.filter(|coupon| coupon.is_used_by(&ask.order_id)) {
        host.save("coupon", &coupon.unused())?;
    }
    host.save(&closed, &Closed::Released)
}

fn put(host: &mut impl Host, put: &PutCoupon) -> Result<(), Failure> {
    let id = &put.coupon_id;
    match domain::put(host.load("coupon")?, put) {
        Ok(coupon) => {
            host.save("coupon", &coupon)?;
            host.send(topic::COUPON_CHANGED, id, &View::of(id, &coupon))
        }
        Err(rejection) => {
            let refused = Refused {
                id: id.clone(),
                cause: rejection.to_string(),
            };
            host.send(topic::COUPON_REFUSED, id, &refused)
        }
    }
}

fn closed_to(order_id: &str) -> String {
    format!("closed/{order_id}")
}
