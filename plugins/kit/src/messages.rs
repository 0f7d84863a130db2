//! The shop's vocabulary: what its plugins say to each other. Bodies are JSON, amounts are cents.
//!
//! A reader ignores fields that it does not know, so that a sender may be newer.

use serde::{Deserialize, Serialize};

/// Topics, all of which the routes must declare.
pub mod topic {
    /// [`Placed`](super::Placed): an order came in.
    pub const ORDER_PLACED: &str = "order.placed";
    /// The order's one timer: the saga's timeout, later the payment deadline.
    pub const ORDER_DUE: &str = "order.due";
    /// The order as `GET /orders/{id}` shows it, everything granted.
    pub const ORDER_CONFIRMED: &str = "order.confirmed";
    /// The order, refused and undone.
    pub const ORDER_CANCELLED: &str = "order.cancelled";
    /// The order, not paid in time and undone.
    pub const ORDER_INVALID: &str = "order.invalid";
    /// The order, paid: the one place where a payment counts.
    pub const ORDER_PAID: &str = "order.paid";
    /// [`Finish`](super::Finish): the seller is done with an order.
    pub const ORDER_FINISH: &str = "order.finish";
    /// The order, finished.
    pub const ORDER_FINISHED: &str = "order.finished";
    /// [`Refused`](super::Refused): an order that cannot be finished.
    pub const ORDER_FINISH_REFUSED: &str = "order.finish-refused";
    /// [`Pay`](super::Pay): a payment asks the order for its amount.
    pub const ORDER_PAY: &str = "order.pay";
    /// [`PutStock`](super::PutStock).
    pub const STOCK_PUT: &str = "stock.put";
    /// [`Restock`](super::Restock).
    pub const STOCK_RESTOCK: &str = "stock.restock";
    /// The SKU as `GET /stock/{sku}` shows it, after a put or a restock.
    pub const STOCK_CHANGED: &str = "stock.changed";
    /// [`Refused`](super::Refused): a put or a restock that cannot be.
    pub const STOCK_REFUSED: &str = "stock.refused";
    /// [`PriceChanged`](super::PriceChanged): broadcast, to whoever keeps a price list.
    pub const PRICE_CHANGED: &str = "price.changed";
    /// [`Reserve`](super::Reserve).
    pub const STOCK_RESERVE: &str = "stock.reserve";
    /// [`Reserved`](super::Reserved).
    pub const STOCK_RESERVED: &str = "stock.reserved";
    /// [`Rejected`](super::Rejected).
    pub const STOCK_REJECTED: &str = "stock.rejected";
    /// [`ReleaseStock`](super::ReleaseStock).
    pub const STOCK_RELEASE: &str = "stock.release";
    /// [`PutCoupon`](super::PutCoupon).
    pub const COUPON_PUT: &str = "coupon.put";
    /// The coupon as `GET /coupons/{id}` shows it, after a put.
    pub const COUPON_CHANGED: &str = "coupon.changed";
    /// [`Refused`](super::Refused): a put of a coupon that is in use.
    pub const COUPON_REFUSED: &str = "coupon.refused";
    /// [`UseCoupon`](super::UseCoupon).
    pub const COUPON_USE: &str = "coupon.use";
    /// [`CouponUsed`](super::CouponUsed).
    pub const COUPON_USED: &str = "coupon.used";
    /// [`Rejected`](super::Rejected).
    pub const COUPON_REJECTED: &str = "coupon.rejected";
    /// [`ReleaseCoupon`](super::ReleaseCoupon).
    pub const COUPON_RELEASE: &str = "coupon.release";
    /// [`User`](super::User): someone registers.
    pub const USER_REGISTER: &str = "user.register";
    /// [`User`](super::User): someone is registered.
    pub const USER_REGISTERED: &str = "user.registered";
    /// [`Debit`](super::Debit).
    pub const ACCOUNT_DEBIT: &str = "account.debit";
    /// [`Debited`](super::Debited).
    pub const ACCOUNT_DEBITED: &str = "account.debited";
    /// [`Rejected`](super::Rejected).
    pub const ACCOUNT_REJECTED: &str = "account.rejected";
    /// [`Credit`](super::Credit).
    pub const ACCOUNT_CREDIT: &str = "account.credit";
    /// [`Pay`](super::Pay): someone wants to pay an order.
    pub const PAYMENT_REQUESTED: &str = "payment.requested";
    /// [`Approved`](super::Approved): the order's word to charge.
    pub const PAYMENT_APPROVED: &str = "payment.approved";
    /// [`PaymentVerdict`](super::PaymentVerdict): the order's word not to charge.
    pub const PAYMENT_DENIED: &str = "payment.denied";
    /// [`Callback`](super::Callback) of the provider.
    pub const PAYMENT_CALLBACK: &str = "payment.callback";
    /// The payment's timer: ask the provider to charge, and later what became of it.
    pub const PAYMENT_POLL: &str = "payment.poll";
    /// The provider has a payment's charge: the half message of the request for it.
    pub const PAYMENT_OPENED: &str = "payment.opened";
    /// [`Charged`](super::Charged): money has come, the order decides about it.
    pub const PAYMENT_CHARGED: &str = "payment.charged";
    /// [`PaymentVerdict`](super::PaymentVerdict): the order takes the money.
    pub const PAYMENT_ACCEPTED: &str = "payment.accepted";
    /// [`PaymentVerdict`](super::PaymentVerdict): the order does not take the money.
    pub const PAYMENT_REFUND: &str = "payment.refund";
    /// The payment as `GET /payments/{id}` shows it: its order is paid.
    pub const PAYMENT_SUCCEEDED: &str = "payment.succeeded";
    /// The payment: nothing is charged, and its order can be paid by another one.
    pub const PAYMENT_FAILED: &str = "payment.failed";
    /// The payment: the order did not want it.
    pub const PAYMENT_REFUSED: &str = "payment.refused";
    /// The payment: charged and given back.
    pub const PAYMENT_REFUNDED: &str = "payment.refunded";
}

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

/// The seller is done with an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finish {
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

/// What readers of an order's news (paid, cancelled, invalid) want of it.
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
