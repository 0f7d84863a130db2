//! What goes into the shop and what it shows, as JSON.

use serde::{Deserialize, Serialize};

/// A new SKU.
#[derive(Clone, Debug, Serialize)]
pub struct NewStock {
    /// Cents.
    pub unit_price: u64,
    /// Pieces at the beginning.
    pub initial: u64,
}

/// A new coupon.
#[derive(Clone, Debug, Serialize)]
pub struct NewCoupon {
    /// The only user who may use it.
    pub user_id: String,
    /// Cents.
    pub amount: u64,
    /// Least amount of goods, in cents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_goods: Option<u64>,
    /// Milliseconds since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<u64>,
}

/// A new user.
#[derive(Clone, Debug, Serialize)]
pub struct NewUser {
    /// The id.
    pub user_id: String,
    /// Shown in messages to the user.
    pub name: String,
    /// Where letters go.
    pub email: String,
    /// Where text messages go.
    pub phone: String,
    /// Cents.
    pub balance: u64,
}

/// A new order.
#[derive(Clone, Debug, Serialize)]
pub struct NewOrder {
    /// The client's id: the same again starts nothing.
    pub order_id: String,
    /// The buyer.
    pub user_id: String,
    /// What is bought.
    pub items: Vec<Item>,
    /// A coupon to use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coupon_id: Option<String>,
    /// Whether to pay from the balance first.
    pub use_balance: bool,
}

/// So many pieces of a SKU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// The SKU.
    pub sku: String,
    /// Pieces.
    pub quantity: u64,
}

/// An order's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// The saga runs.
    Unconfirmed,
    /// All is reserved.
    Confirmed,
    /// Something was refused.
    Cancelled,
    /// Not paid in time.
    Invalid,
    /// Given back by the seller.
    Refunded,
    /// Delivered.
    Finished,
}

/// Where an order's money is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PayStatus {
    /// Nothing was tried.
    Unpaid,
    /// A payment is open.
    Paying,
    /// Paid.
    Paid,
    /// Paid and given back.
    Refunded,
}

/// An order as the shop shows it.
#[derive(Clone, Debug, Deserialize)]
pub struct Order {
    /// The id.
    pub order_id: String,
    /// The buyer.
    pub user_id: String,
    /// Its life.
    pub status: Status,
    /// Its money.
    pub pay_status: PayStatus,
    /// Why it was cancelled or became invalid.
    #[serde(default)]
    pub cause: Option<String>,
    /// What is bought.
    pub items: Vec<Item>,
    /// Cents.
    pub goods_amount: u64,
    /// Cents.
    pub shipping_fee: u64,
    /// Cents that the coupon took off.
    pub coupon_amount: u64,
    /// Cents from the balance.
    pub balance_amount: u64,
    /// Cents to pay.
    pub pay_amount: u64,
}

/// A SKU's stock as the shop shows it.
#[derive(Clone, Debug, Deserialize)]
pub struct Stock {
    /// The SKU.
    pub sku: String,
    /// Cents.
    pub unit_price: u64,
    /// Pieces ever put in.
    pub initial: u64,
    /// Pieces to be had; signed, so that an oversell would show.
    pub available: i64,
    /// Pieces that orders hold.
    pub sold: u64,
}

/// A coupon as the shop shows it.
#[derive(Clone, Debug, Deserialize)]
pub struct Coupon {
    /// The id.
    pub coupon_id: String,
    /// `unused` or `used`.
    pub state: String,
    /// The order that holds it.
    #[serde(default)]
    pub order_id: Option<String>,
}

/// A user as the shop shows it.
#[derive(Clone, Debug, Deserialize)]
pub struct User {
    /// The id.
    pub user_id: String,
    /// Cents; signed, so that an overdraft would show.
    pub balance: i64,
}

/// A user's points.
#[derive(Clone, Debug, Deserialize)]
pub struct Points {
    /// One for each whole 1.00 paid.
    pub points: u64,
}

/// A payment as the shop shows it.
#[derive(Clone, Debug, Deserialize)]
pub struct Payment {
    /// `pending`, `succeeded`, `failed`, `refused` or `refunded`.
    pub state: String,
}

impl Order {
    /// Whether nothing more happens to this order by itself.
    #[must_use]
    pub fn is_final(&self) -> bool {
        match self.status {
            Status::Unconfirmed => false,
            Status::Confirmed | Status::Finished => self.pay_status == PayStatus::Paid,
            Status::Refunded => self.pay_status == PayStatus::Refunded,
            Status::Cancelled | Status::Invalid => true,
        }
    }

    /// Whether it was paid, though it may have been refunded since.
    #[must_use]
    pub fn was_paid(&self) -> bool {
        matches!(self.pay_status, PayStatus::Paid | PayStatus::Refunded)
    }

    /// Whether stock, coupon and balance belong to this order.
    #[must_use]
    pub fn holds_goods(&self) -> bool {
        matches!(self.status, Status::Confirmed | Status::Finished)
    }
}
