//! Topics, all of which the routes must declare.

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
/// [`SellerAsks`](super::SellerAsks): the seller is done with an order.
pub const ORDER_FINISH: &str = "order.finish";
/// The order, finished.
pub const ORDER_FINISHED: &str = "order.finished";
/// [`Refused`](super::Refused): an order that cannot be finished.
pub const ORDER_FINISH_REFUSED: &str = "order.finish-refused";
/// [`SellerAsks`](super::SellerAsks): the seller gives back all that an order took.
pub const ORDER_REFUND: &str = "order.refund";
/// The order, refunded: the customer has the money again, too.
pub const ORDER_REFUNDED: &str = "order.refunded";
/// [`Refused`](super::Refused): an order that cannot be refunded.
pub const ORDER_REFUND_REFUSED: &str = "order.refund-refused";
/// The order as it was and is: what the seller asks for was done before.
pub const ORDER_UNCHANGED: &str = "order.unchanged";
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
/// [`RevokePoints`](super::RevokePoints).
pub const POINTS_REVOKE: &str = "points.revoke";
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
/// [`PaymentVerdict`](super::PaymentVerdict): the order does not take the money, or has it no more.
pub const PAYMENT_REFUND: &str = "payment.refund";
/// The payment as `GET /payments/{id}` shows it: its order is paid.
pub const PAYMENT_SUCCEEDED: &str = "payment.succeeded";
/// The payment: nothing is charged, and its order can be paid by another one.
pub const PAYMENT_FAILED: &str = "payment.failed";
/// The payment: the order did not want it.
pub const PAYMENT_REFUSED: &str = "payment.refused";
/// The payment: charged and given back.
pub const PAYMENT_REFUNDED: &str = "payment.refunded";
