//! The shop's vocabulary: what its plugins say to each other. Bodies are JSON, amounts are cents.
//!
//! A reader ignores fields that it does not know, so that a sender may be newer.

pub mod topic;

use serde::{Deserialize, Serialize};

/// One item of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// What.
    pub sku: String,
    /// How many.
    pub quantity: u64,
}

/// An order as it came in at the door.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed {
    /// The order.
    pub order_id: String,
    /// Whose.
    pub user_id: String,
    /// At least one; a SKU may occur twice.
    pub items: Vec<Item>,
    /// A coupon to use.
    pub coupon_id: Option<String>,
    /// Whether the balance pays as much as it can.
    pub use_balance: bool,
}

/// What the seller wants done with an order; the topic says what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SellerAsks {
    /// The order.
    pub order_id: String,
}

/// Something asked for over HTTP that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// The order, SKU or coupon.
    pub id: String,
    /// Why not.
    pub cause: String,
}

/// Sets up a SKU; for a known one, changes its price only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutStock {
    /// The SKU.
    pub sku: String,
    /// For people; the SKU itself by default.
    pub name: Option<String>,
    /// Price of one.
    pub unit_price: u64,
    /// Pieces at the beginning.
    pub initial: u64,
}

/// A SKU has another price, or its first one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceChanged {
    /// The SKU.
    pub sku: String,
    /// Price of one from now on.
    pub unit_price: u64,
}

/// Adds pieces to a SKU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restock {
    /// The SKU.
    pub sku: String,
    /// The same restock again adds nothing.
    pub restock_id: String,
    /// Pieces.
    pub quantity: u64,
}

/// Asks a SKU to set pieces aside for an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reserve {
    /// The order.
    pub order_id: String,
    /// The SKU.
    pub sku: String,
    /// Pieces.
    pub quantity: u64,
}

/// Pieces are set aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reserved {
    /// The order.
    pub order_id: String,
    /// The SKU.
    pub sku: String,
    /// Price of one, at this moment.
    pub unit_price: u64,
}

/// A step of the saga that is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// The order.
    pub order_id: String,
    /// The SKU, coupon or user that refuses.
    pub by: String,
    /// Why.
    pub cause: String,
}

/// Returns what an order reserved of a SKU, if it did; it never will from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseStock {
    /// The order.
    pub order_id: String,
    /// The SKU.
    pub sku: String,
}

/// Sets up a coupon, or changes one that is unused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutCoupon {
    /// The coupon.
    pub coupon_id: String,
    /// Who may use it.
    pub user_id: String,
    /// Its worth.
    pub amount: u64,
    /// Least goods amount of an order that may use it.
    pub min_goods: u64,
    /// When it ends, in milliseconds since the epoch.
    pub expires_at: Option<u64>,
}

/// Asks a coupon to be used up by an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UseCoupon {
    /// The order.
    pub order_id: String,
    /// The coupon.
    pub coupon_id: String,
    /// The order's user.
    pub user_id: String,
    /// The order's goods amount.
    pub goods_amount: u64,
}

/// The coupon is used up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CouponUsed {
    /// The order.
    pub order_id: String,
    /// The coupon's worth.
    pub amount: u64,
}

/// Returns a coupon that an order used, if it did; it never will from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseCoupon {
    /// The order.
    pub order_id: String,
    /// The coupon.
    pub coupon_id: String,
}

/// A user with the balance at the beginning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The user.
    pub user_id: String,
    /// For people.
    pub name: String,
    /// Where mails go.
    pub email: String,
    /// Where text messages go.
    pub phone: String,
    /// Cents.
    pub balance: u64,
}

/// Asks a balance to pay the smaller of itself and an amount.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Debit {
    /// The order.
    pub order_id: String,
    /// The user.
    pub user_id: String,
    /// What is left to pay.
    pub at_most: u64,
}

/// The balance has paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Debited {
    /// The order.
    pub order_id: String,
    /// What it paid; may be nothing.
    pub amount: u64,
}

/// Returns what an order took of a balance, if it did; it never will from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credit {
    /// The order.
    pub order_id: String,
    /// The user.
    pub user_id: String,
}

/// Takes away the points that an order brought, if it did; it never will from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokePoints {
    /// The order.
    pub order_id: String,
    /// The user.
    pub user_id: String,
}

/// A payment of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pay {
    /// The payment.
    pub payment_id: String,
    /// The order.
    pub order_id: String,
}

/// The order can be paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approved {
    /// The payment.
    pub payment_id: String,
    /// What to charge; nothing if coupon and balance paid it all.
    pub amount: u64,
    /// Until when.
    pub deadline: u64,
}

/// What an order says about a payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentVerdict {
    /// The payment.
    pub payment_id: String,
    /// Why.
    pub cause: Option<String>,
}

/// The provider has charged for a payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charged {
    /// The payment.
    pub payment_id: String,
    /// The order.
    pub order_id: String,
    /// What was charged.
    pub amount: u64,
}

/// What the provider calls back with, the signature checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Callback {
    /// The payment.
    pub payment_id: String,
    /// Whether it was charged.
    pub succeeded: bool,
    /// What was charged.
    pub amount: u64,
}

/// A payment as `GET /payments/{id}` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentView {
    /// The payment.
    pub payment_id: String,
    /// The order.
    pub order_id: String,
    /// What is to be paid; nothing while the order was not asked.
    pub amount: u64,
    /// How far it is.
    pub state: PaymentState,
    /// Why it failed, was refused or was refunded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
}

/// How far a payment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentState {
    /// Not known yet.
    Pending,
    /// Its order is paid.
    Succeeded,
    /// The provider did not charge.
    Failed,
    /// The order did not want it.
    Refused,
    /// Charged and given back.
    Refunded,
}

/// What readers of an order's news (paid, cancelled, invalid, refunded) want of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderNews {
    /// The order.
    pub order_id: String,
    /// Whose.
    pub user_id: String,
    /// What was to be paid through the provider.
    pub pay_amount: u64,
    /// Why it is cancelled or invalid.
    #[serde(default)]
    pub cause: Option<String>,
}
