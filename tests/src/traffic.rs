//! Traffic: buyers who order and pay at a steady rate, and a seller who finishes and refunds their
//! orders, whatever happens to the host meanwhile. Who finds a connection broken asks again with the
//! same ids, as any careful client does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Result, bail};
use bytes::Bytes;
use hyper::{Method, StatusCode};
use tokio::task::{JoinHandle, JoinSet};

use crate::books::Plan;
use crate::client::{Client, Reply};
use crate::shop::{Item, NewCoupon, NewOrder, NewStock, NewUser, Order, Shop, Status};

/// The pause after a connection that broke, or an answer that says to come again.
const PAUSE: Duration = Duration::from_millis(50);
/// How often a buyer asks again before giving up: longer than any restart takes.
const ASKED_MAX: u32 = 2_400;
/// How often they look at an order that is to be confirmed or paid. Not for ever: some never are.
const LOOKS_MAX: u32 = 40;
/// How long a buyer waits for the outcome in one request.
const WAIT: &str = "1s";

/// What the orders of a run are about.
#[derive(Clone, Debug)]
pub struct Market {
    /// Different things to buy.
    pub skus: u64,
    /// Pieces of each.
    pub pieces: u64,
    /// Buyers.
    pub users: u64,
    /// Cents that each buyer has.
    pub balance: u64,
    /// Every so many-th order has a coupon, half of which are brought twice.
    pub coupon_every: u64,
    /// Most orders.
    pub orders: u64,
}

/// Buyers at work.
#[derive(Debug)]
pub struct Traffic {
    stop: Arc<AtomicBool>,
    task: JoinHandle<Taken>,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Taken {
    /// Ids of the orders that were answered 202 or with an outcome.
    pub orders: Vec<String>,
    /// Answers that no careful client should ever get.
    pub complaints: Vec<String>,
    /// Connections that broke.
    pub broken: u64,
    /// Answers 503: the host was starting or stopping.
    pub unavailable: u64,
}

impl Market {
    /// What a plan for this market is loaded with; all orders that may come are in it.
    #[must_use]
    pub fn plan(&self) -> Plan {
        let mut plan = Plan::default();
        for nth in 0..self.skus {
            let stock = NewStock {
                unit_price: 700 + nth * 13,
                initial: self.pieces,
            };
            plan.stocks.insert(format!("sku-{nth}"), stock);
        }
        for nth in 0..self.users {
            let user_id = format!("user-{nth}");
            let user = NewUser {
                name: user_id.clone(),
                email: format!("{user_id}@example.com"),
                phone: format!("+1-555-{nth:05}"),
                balance: self.balance,
                user_id: user_id.clone(),
            };
            plan.users.insert(user_id, user);
        }
        for nth in 0..self.orders {
            let order = self.order(nth);
            if let Some(coupon) = &order.coupon_id {
                let user_id = order.user_id.clone();
                let coupon_of = NewCoupon {
                    user_id,
                    amount: 300,
                    min_goods: None,
                    expires_at: None,
                };
                plan.coupons.entry(coupon.clone()).or_insert(coupon_of);
            }
            plan.orders.insert(order.order_id.clone(), order);
        }
        plan
    }

    /// The nth order.
    fn order(&self, nth: u64) -> NewOrder {
        let user = nth * 7 % self.users;
        let coupon =
            nth.is_multiple_of(self.coupon_every)
                .then(|| match nth / self.coupon_every % 2 {
                    // The same coupon again whenever this user comes by with an odd one.
                    1 => format!("coupon-of-{user}"),
                    _ => format!("coupon-{nth}"),
                });
        let item = |sku: u64| Item {
            sku: format!("sku-{}", sku % self.skus),
            quantity: 1 + nth % 3,
        };
        let items = if nth.is_multiple_of(4) {
            vec![item(nth), item(nth + 1)]
        } else {
            vec![item(nth)]
        };
        NewOrder {
            order_id: format!("order-{nth:07}"),
            user_id: format!("user-{user}"),
            items,
            coupon_id: coupon,
            use_balance: nth.is_multiple_of(3),
        }
    }
}

impl Traffic {
    /// Starts `rate` orders a second, until stopped or all orders of the plan are placed. Two of
    /// three confirmed orders are paid, of which the seller finishes and refunds two of five each.
    #[must_use]
    pub fn start(client: &Client, plan: &Plan, rate: f64) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let orders = plan.orders.values().cloned().collect();
        let task = tokio::spawn(buy_all(client.clone(), orders, rate, Arc::clone(&stop)));
        Self { stop, task }
    }

    /// Lets no more buyers in, and waits until those inside are done.
    ///
    /// # Errors
    /// If a buyer panicked.
    pub async fn stop(self) -> Result<Taken> {
        self.stop.store(true, Ordering::Relaxed);
        Ok(self.task.await?)
    }
}

impl Taken {
    /// The plan, less the orders that were never placed.
    #[must_use]
    pub fn of(&self, mut plan: Plan) -> Plan {
        let taken: std::collections::BTreeSet<&String> = self.orders.iter().collect();
        plan.orders.retain(|id, _| taken.contains(id));
        plan
    }
}

async fn buy_all(client: Client, orders: Vec<NewOrder>, rate: f64, stop: Arc<AtomicBool>) -> Taken {
    let trouble = Arc::new(Trouble::default());
    let mut buyers = JoinSet::new();
    let mut tick = tokio::time::interval(Duration::from_secs_f64(1.0 / rate));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
    for (nth, order) in orders.into_iter().enumerate() {
        tick.tick().await;
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let shop = Shop::new(client.clone());
        let buyer = Buyer {
            shop,
            order,
            pays: nth % 3 != 0,
            seller: match nth % 5 {
                0 => &["refund", "refund"],
                1 => &["finish"],
                2 => &["finish", "refund"],
                _ => &[],
            },
            trouble: Arc::clone(&trouble),
        };
        buyers.spawn(buyer.buy());
    }
    let mut taken = Taken::default();
    while let Some(joined) = buyers.join_next().await {
        match joined.expect("a buyer does not panic") {
            Ok(order_id) => taken.orders.push(order_id),
            Err(complaint) => taken.complaints.push(format!("{complaint:#}")),
        }
    }
    taken.broken = trouble.broken.load(Ordering::Relaxed);
    taken.unavailable = trouble.unavailable.load(Ordering::Relaxed);
    taken
}

struct Buyer {
    shop: Shop,
    order: NewOrder,
    pays: bool,
    /// What the seller does with the order, one after the other, once it is paid or not.
    seller: &'static [&'static str],
    trouble: Arc<Trouble>,
}

/// What buyers put up with.
#[derive(Default)]
struct Trouble {
    broken: AtomicU64,
    unavailable: AtomicU64,
}

impl Buyer {
    /// Places the order, pays it, and sees the seller about it; its id once it is taken.
    async fn buy(self) -> Result<String> {
        let order_id = self.order.order_id.clone();
        let order = serde_json::to_vec(&self.order)?;
        let path = format!("/orders?wait={WAIT}");
        let reply = self
            .ask(Method::POST, &path, &order_id, order.into())
            .await?;
        let outcome = match reply.json::<Order>() {
            Ok(outcome) => Some(outcome),
            Err(_) => {
                let settled = |order: &Order| order.status != Status::Unconfirmed;
                self.look_until(&order_id, settled).await?
            }
        };
        if self.pays && outcome.is_some_and(|order| order.status == Status::Confirmed) {
            let body = serde_json::to_vec(&serde_json::json!({ "order_id": order_id }))?;
            self.ask(Method::POST, "/payments", &order_id, body.into())
                .await?;
            if !self.seller.is_empty() {
                self.look_until(&order_id, Order::was_paid).await?;
            }
            for what in self.seller {
                let path = format!("/orders/{order_id}/{what}?wait={WAIT}");
                self.ask(Method::POST, &path, &order_id, Bytes::new())
                    .await?;
            }
        }
        Ok(order_id)
    }

    /// The order once it is as wanted, or as it is in the end.
    async fn look_until(
        &self,
        order_id: &str,
        wanted: impl Fn(&Order) -> bool,
    ) -> Result<Option<Order>> {
        let mut order = None;
        for _ in 0..LOOKS_MAX {
            order = self.look_up(order_id).await?;
            if order.as_ref().is_some_and(&wanted) {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(order)
    }

    async fn look_up(&self, order_id: &str) -> Result<Option<Order>> {
        let path = format!("/orders/{order_id}");
        let reply = self.ask(Method::GET, &path, order_id, Bytes::new()).await?;
        if reply.status == StatusCode::NOT_FOUND {
            Ok(None)
        } else {
            reply.json().map(Some)
        }
    }

    /// Asks until there is an answer, and complains about those that should not be.
    async fn ask(&self, method: Method, path: &str, key: &str, body: Bytes) -> Result<Reply> {
        let headers = [("idempotency-key", key)];
        for _ in 0..ASKED_MAX {
            let asked = self
                .shop
                .http
                .request(method.clone(), path, &headers, body.clone());
            match asked.await {
                Ok(reply) if reply.status == StatusCode::TOO_MANY_REQUESTS => {}
                Ok(reply) if reply.status == StatusCode::SERVICE_UNAVAILABLE => {
                    self.trouble.unavailable.fetch_add(1, Ordering::Relaxed);
                }
                Ok(reply) if reply.status.is_success() => return Ok(reply),
                Ok(reply) if method == Method::GET && reply.status == StatusCode::NOT_FOUND => {
                    return Ok(reply);
                }
                Ok(reply) => bail!("{method} {path}: {reply}"),
                Err(_) => {
                    self.trouble.broken.fetch_add(1, Ordering::Relaxed);
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
        bail!("{method} {path}: no answer to {ASKED_MAX} requests")
    }
}
