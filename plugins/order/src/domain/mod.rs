//! An order and the rules of its life. Pure: what is to be done comes out as effects.

mod payment;
mod saga;
mod seller;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use payment::{Denied, charged, not_charged, pay};
pub use saga::{Answer, Step, due, on_balance, on_coupon, on_stock, place};
pub use seller::{NotSold, finish, money_returned, refund};

/// An order. Its record is its whole state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The order.
    pub order_id: String,
    /// Whose.
    pub user_id: String,
    /// Where it is in its life.
    pub status: Status,
    /// Where its money is.
    pub pay_status: PayStatus,
    /// Why it is cancelled or invalid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// What is ordered, one line a SKU.
    pub lines: Vec<Line>,
    /// The coupon it wants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coupon_id: Option<String>,
    /// Whether the balance pays as much as it can.
    pub use_balance: bool,
    /// What it costs, as far as known.
    pub amounts: Amounts,
    /// What it holds of the coupon.
    pub coupon: Hold,
    /// What it holds of the balance.
    pub balance: Hold,
    /// The step of the saga that it waits for.
    pub step: Step,
    /// Since when.
    pub step_since: u64,
    /// Until when it must be paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<u64>,
    /// The payment that is open, or that paid it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_id: Option<String>,
    /// What it was placed under; a later change of config is for later orders.
    pub terms: Terms,
}

/// Where an order is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The saga runs.
    Unconfirmed,
    /// Everything is granted.
    Confirmed,
    /// Something was refused, everything is returned.
    Cancelled,
    /// Not paid in time, everything is returned.
    Invalid,
    /// Paid, and the seller is done.
    Finished,
    /// Paid once, and the seller has taken it back: everything is returned. The money is under way
    /// until the pay status says so, too.
    Refunded,
}

/// Where an order's money is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PayStatus {
    /// Nobody pays.
    Unpaid,
    /// A payment is open.
    Paying,
    /// Paid.
    Paid,
    /// Paid once, and the customer has it again.
    Refunded,
}

/// One SKU of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// What.
    pub sku: String,
    /// How many.
    pub quantity: u64,
    /// Price of one, once reserved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_price: Option<u64>,
    /// What the order holds of it.
    pub hold: Hold,
}

/// What an order holds of something that it must give back if it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// Nothing, and nothing to give back.
    Free,
    /// It asked and has no answer: it may hold it, so it gives it back all the same.
    Asked,
    /// It was granted.
    Granted,
}

/// What an order costs, in cents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amounts {
    /// All lines.
    pub goods_amount: u64,
    /// Shipping.
    pub shipping_fee: u64,
    /// What the coupon pays.
    pub coupon_amount: u64,
    /// What the balance pays.
    pub balance_amount: u64,
    /// What is left for the provider.
    pub pay_amount: u64,
}

/// The shop's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// How long a step may take, in milliseconds.
    pub saga_timeout: u64,
    /// How long a confirmed order may stay unpaid, in milliseconds.
    pub payment_deadline: u64,
    /// Cents.
    pub shipping_fee: u64,
    /// Goods above this ship free.
    pub free_shipping_above: u64,
}

/// What becomes of an order, and what is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The order to save; none if it stays as it is or does not exist.
    pub order: Option<Order>,
    /// In this order.
    pub effects: Vec<Effect>,
}

/// Something to be done for an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Ask a SKU for pieces.
    ReserveStock {
        /// Of.
        sku: String,
        /// Pieces.
        quantity: u64,
    },
    /// Give a SKU its pieces back.
    ReleaseStock {
        /// Of.
        sku: String,
    },
    /// Ask for the coupon.
    UseCoupon {
        /// The coupon.
        coupon_id: String,
        /// What it is to be used for.
        goods_amount: u64,
    },
    /// Give the coupon back.
    ReleaseCoupon {
        /// The coupon.
        coupon_id: String,
    },
    /// Ask the balance to pay.
    DebitBalance {
        /// What is left.
        at_most: u64,
    },
    /// Give the balance its money back.
    CreditBalance,
    /// Wake the order at this time, and at no other.
    WakeAt(u64),
    /// Do not wake the order any more.
    LetSleep,
    /// Tell everyone.
    Announce(News),
    /// Let a payment charge.
    ApprovePayment {
        /// The payment.
        payment_id: String,
        /// What.
        amount: u64,
        /// Until when.
        deadline: u64,
    },
    /// Take the money that a payment charged.
    AcceptPayment {
        /// The payment.
        payment_id: String,
    },
    /// Have the money that a payment charged given back.
    RefundPayment {
        /// The payment.
        payment_id: String,
        /// Why.
        cause: String,
    },
    /// Take away the points that it brought.
    RevokePoints,
}

/// What everyone is told about an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// Everything is granted.
    Confirmed,
    /// Something was refused.
    Cancelled,
    /// Not paid in time.
    Invalid,
    /// Paid.
    Paid,
    /// The seller is done.
    Finished,
    /// Everything is returned, the money too.
    Refunded,
    /// Whoever asked, asked before.
    Unchanged,
}

impl Decision {
    fn of(order: Order, effects: Vec<Effect>) -> Self {
        Self {
            order: Some(order),
            effects,
        }
    }
}

impl Status {
    /// As people and clients read it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unconfirmed => "unconfirmed",
            Self::Confirmed => "confirmed",
            Self::Cancelled => "cancelled",
            Self::Invalid => "invalid",
            Self::Finished => "finished",
            Self::Refunded => "refunded",
        }
    }
}
