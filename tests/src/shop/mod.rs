//! The shop as its clients see it: typed requests and answers of its HTTP paths.

mod forms;

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use bytes::Bytes;
use hyper::{Method, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub use forms::{
    Coupon, Item, NewCoupon, NewOrder, NewStock, NewUser, Order, PayStatus, Payment, Points,
    Status, Stock, User,
};

use crate::client::{Client, Reply};

/// How often an order is looked at that is to be paid.
const LOOK: Duration = Duration::from_millis(20);

/// A shop at an address.
#[derive(Clone, Debug)]
pub struct Shop {
    /// For requests that are not listed here.
    pub http: Client,
}

#[derive(Deserialize)]
struct NewPayment {
    payment_id: String,
}

impl Shop {
    /// The shop behind `http`.
    #[must_use]
    pub fn new(http: Client) -> Self {
        Self { http }
    }

    /// Adds a SKU, or changes its price.
    ///
    /// # Errors
    /// If the shop refuses, or cannot be reached; so with all that follow.
    pub async fn put_stock(&self, sku: &str, stock: &NewStock) -> Result<()> {
        self.change(Method::PUT, &format!("/stock/{sku}"), stock)
            .await
            .map(drop)
    }

    /// Adds a coupon.
    ///
    /// # Errors
    /// As [`Shop::put_stock`].
    pub async fn put_coupon(&self, id: &str, coupon: &NewCoupon) -> Result<()> {
        self.change(Method::PUT, &format!("/coupons/{id}"), coupon)
            .await
            .map(drop)
    }

    /// Registers a user.
    ///
    /// # Errors
    /// As [`Shop::put_stock`].
    pub async fn register(&self, user: &NewUser) -> Result<()> {
        self.change(Method::POST, "/users", user).await.map(drop)
    }

    /// Places an order; the answer says that it is durable, not what became of it.
    ///
    /// # Errors
    /// As [`Shop::put_stock`].
    pub async fn place(&self, order: &NewOrder) -> Result<()> {
        self.change(Method::POST, "/orders", order).await.map(drop)
    }

    /// Places an order and waits for its outcome as long as `wait` says; `None` past the wait.
    ///
    /// # Errors
    /// As [`Shop::put_stock`].
    pub async fn place_and_wait(&self, order: &NewOrder, wait: &str) -> Result<Reply> {
        self.change(Method::POST, &format!("/orders?wait={wait}"), order)
            .await
    }

    /// Begins to pay an order, once however often it is called; the payment's id.
    ///
    /// # Errors
    /// As [`Shop::put_stock`].
    pub async fn pay(&self, order_id: &str) -> Result<String> {
        let body = serde_json::json!({ "order_id": order_id });
        let body = Bytes::from(serde_json::to_vec(&body)?);
        let headers = [("idempotency-key", order_id)];
        let reply = self
            .http
            .request(Method::POST, "/payments", &headers, body)
            .await?;
        Ok(reply.success()?.json::<NewPayment>()?.payment_id)
    }

    /// Asks until an order is paid; false if it is not when `patience` is over. The news of that
    /// comes with the provider's callback, and so `?wait=` at the payment cannot tell.
    ///
    /// # Errors
    /// As [`Shop::put_stock`].
    pub async fn is_paid(&self, order_id: &str, patience: Duration) -> Result<bool> {
        let begun = Instant::now();
        loop {
            let order = self.order(order_id).await?;
            if order.is_some_and(|order| order.was_paid()) {
                return Ok(true);
            }
            if begun.elapsed() > patience {
                return Ok(false);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// The seller is done with an order; the answer is its outcome, or 202 past the wait.
    ///
    /// # Errors
    /// As [`Shop::put_stock`]. That the order cannot be finished is an outcome.
    pub async fn finish(&self, order_id: &str, wait: &str) -> Result<Reply> {
        let path = format!("/orders/{order_id}/finish?wait={wait}");
        self.change(Method::POST, &path, &serde_json::json!({}))
            .await
    }

    /// The seller refunds an order; the answer is its outcome, or 202 past the wait.
    ///
    /// # Errors
    /// As [`Shop::put_stock`]. That the order cannot be refunded is an outcome.
    pub async fn refund(&self, order_id: &str, wait: &str) -> Result<Reply> {
        let path = format!("/orders/{order_id}/refund?wait={wait}");
        self.change(Method::POST, &path, &serde_json::json!({}))
            .await
    }

    /// An order; `None` if the shop does not know it (yet).
    ///
    /// # Errors
    /// As [`Shop::put_stock`].
    pub async fn order(&self, id: &str) -> Result<Option<Order>> {
        self.find(&format!("/orders/{id}")).await
    }

    /// A SKU's stock.
    ///
    /// # Errors
    /// As [`Shop::put_stock`].
    pub async fn stock(&self, sku: &str) -> Result<Option<Stock>> {
        self.find(&format!("/stock/{sku}")).await
    }

    /// A coupon.
    ///
    /// # Errors
    /// As [`Shop::put_stock`].
    pub async fn coupon(&self, id: &str) -> Result<Option<Coupon>> {
        self.find(&format!("/coupons/{id}")).await
    }

    /// A user.
    ///
    /// # Errors
    /// As [`Shop::put_stock`].
    pub async fn user(&self, id: &str) -> Result<Option<User>> {
        self.find(&format!("/users/{id}")).await
    }

    /// A user's points; none were ever added to a user whom the points plugin does not know.
    ///
    /// # Errors
    /// As [`Shop::put_stock`].
    pub async fn points(&self, user: &str) -> Result<u64> {
        let found: Option<Points> = self.find(&format!("/users/{user}/points")).await?;
        Ok(found.map_or(0, |points| points.points))
    }

    /// A payment.
    ///
    /// # Errors
    /// As [`Shop::put_stock`].
    pub async fn payment(&self, id: &str) -> Result<Option<Payment>> {
        self.find(&format!("/payments/{id}")).await
    }

    async fn change(&self, method: Method, path: &str, body: &impl Serialize) -> Result<Reply> {
        let subject = format!("{method} {path}");
        let body = Bytes::from(serde_json::to_vec(body)?);
        self.http
            .send(method, path, body)
            .await?
            .success()
            .context(subject)
    }

    async fn find<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>> {
        let reply = self.http.get(path).await?;
        match reply.status {
            StatusCode::NOT_FOUND => Ok(None),
            _ => reply
                .success()
                .and_then(|reply| reply.json().map(Some))
                .context(path.to_owned()),
        }
    }
}
