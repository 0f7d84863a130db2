//! The rules of a coupon: its user, its least goods amount, its end, and one order at a time.

use serde::{Deserialize, Serialize};
use wasmill_plugin_kit::messages::{PutCoupon, UseCoupon};

/// A coupon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coupon {
    /// Who may use it.
    pub user_id: String,
    /// Its worth.
    pub amount: u64,
    /// Least goods amount.
    pub min_goods: u64,
    /// When it ends.
    pub expires_at: Option<u64>,
    /// The order that uses it.
    pub used_by: Option<String>,
}

/// Why an order never gets the coupon any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Closed {
    /// It was refused.
    Refused,
    /// It gave the coupon back, or gave up before it had it.
    Released,
}

/// Why a coupon refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// No such coupon.
    #[error("unknown coupon")]
    Unknown,
    /// Another order uses it.
    #[error("coupon already used")]
    Used,
    /// It belongs to another user.
    #[error("coupon of another user")]
    ForeignUser,
    /// It has ended.
    #[error("coupon expired")]
    Expired,
    /// The order is too small.
    #[error("goods amount below the coupon's minimum")]
    TooSmall,
}

/// Uses the coupon up for an order that was not answered before.
///
/// # Errors
/// Why the order cannot have it.
pub fn use_up(coupon: Option<Coupon>, ask: &UseCoupon, now: u64) -> Result<Coupon, Rejection> {
    let coupon = coupon.ok_or(Rejection::Unknown)?;
    if coupon.used_by.is_some() {
        return Err(Rejection::Used);
    }
    if coupon.user_id != ask.user_id {
        return Err(Rejection::ForeignUser);
    }
    if coupon.expires_at.is_some_and(|end| now >= end) {
        return Err(Rejection::Expired);
    }
    if ask.goods_amount < coupon.min_goods {
        return Err(Rejection::TooSmall);
    }
    Ok(Coupon {
        used_by: Some(ask.order_id.clone()),
        ..coupon
    })
}

/// Sets up a coupon, or changes an unused one.
///
/// # Errors
/// If an order uses it on its old terms.
pub fn put(coupon: Option<Coupon>, put: &PutCoupon) -> Result<Coupon, Rejection> {
    if coupon.is_some_and(|coupon| coupon.used_by.is_some()) {
        return Err(Rejection::Used);
    }
    Ok(Coupon {
        user_id: put.user_id.clone(),
        amount: put.amount,
        min_goods: put.min_goods,
        expires_at: put.expires_at,
        used_by: None,
    })
}

impl Coupon {
    /// Whether this order uses it.
    #[must_use]
    pub fn is_used_by(&self, order_id: &str) -> bool {
        self.used_by.as_deref() == Some(order_id)
    }

    /// Given back.
    #[must_use]
    pub fn unused(self) -> Self {
        Self {
            used_by: None,
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coupon() -> Coupon {
        Coupon {
            user_id: "ann".to_owned(),
            amount: 500,
            min_goods: 2000,
            expires_at: Some(1_000),
            used_by: None,
        }
    }

    fn ask(order_id: &str) -> UseCoupon {
        UseCoupon {
            order_id: order_id.to_owned(),
            coupon_id: "c".to_owned(),
            user_id: "ann".to_owned(),
            goods_amount: 2000,
        }
    }

    #[test]
    fn a_coupon_is_not_used_twice() {
        let used = use_up(Some(coupon()), &ask("o1"), 0).expect("unused");
        assert!(used.is_used_by("o1"));
        assert_eq!(use_up(Some(used), &ask("o2"), 0), Err(Rejection::Used));
    }

    #[test]
    fn a_coupon_given_back_can_be_used_again() {
        let used = use_up(Some(coupon()), &ask("o1"), 0).expect("unused");
        assert!(use_up(Some(used.unused()), &ask("o2"), 0).is_ok());
    }

    #[test]
    fn terms_are_kept_to_the_border() {
        let foreign = UseCoupon {
            user_id: "bob".to_owned(),
            ..ask("o")
        };
        let small = UseCoupon {
            goods_amount: 1999,
            ..ask("o")
        };
        assert_eq!(
            use_up(Some(coupon()), &foreign, 0),
            Err(Rejection::ForeignUser)
        );
        assert_eq!(use_up(Some(coupon()), &small, 0), Err(Rejection::TooSmall));
        assert_eq!(
            use_up(Some(coupon()), &ask("o"), 1_000),
            Err(Rejection::Expired)
        );
        assert!(use_up(Some(coupon()), &ask("o"), 999).is_ok());
        assert_eq!(use_up(None, &ask("o"), 0), Err(Rejection::Unknown));
    }
}
