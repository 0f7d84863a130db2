//! The books: what was put into the shop, what it says it holds, and what the provider took and
//! gave back, which must agree to the cent and the piece: `initial = balances + paid - refunded`.

mod check;
mod facts;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::load::gather;
use crate::patience::until;
use crate::provider::Ledger;
use crate::shop::{NewCoupon, NewOrder, NewStock, NewUser, Shop, Status};

pub use check::discrepancies;
pub use facts::Facts;

/// How often the shop is asked whether all is settled.
const POLL: Duration = Duration::from_millis(500);

/// Requests at once while loading and asking.
const WORKERS: usize = 64;

/// All that a run puts into the shop.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// By SKU.
    pub stocks: BTreeMap<String, NewStock>,
    /// By id.
    pub users: BTreeMap<String, NewUser>,
    /// By id.
    pub coupons: BTreeMap<String, NewCoupon>,
    /// By id.
    pub orders: BTreeMap<String, NewOrder>,
}

/// The end of a run.
#[derive(Debug)]
pub struct Settled {
    /// What the shop says.
    pub facts: Facts,
    /// What does not agree; empty if the books balance.
    pub discrepancies: Vec<String>,
    /// How long it took until all was settled.
    pub after: Duration,
}

impl Settled {
    /// How many orders the seller refunded.
    #[must_use]
    pub fn refunded(&self) -> usize {
        let orders = self.facts.orders.values();
        orders
            .filter(|order| order.status == Status::Refunded)
            .count()
    }
}

impl Plan {
    /// Loads SKUs, users and coupons, and waits until the shop shows them all: an order must not
    /// overtake what it needs.
    ///
    /// # Errors
    /// If the shop refuses one of them.
    pub async fn load(&self, shop: &Shop) -> Result<()> {
        let stocks = self.stocks.clone().into_iter().collect();
        gather(WORKERS, shop, stocks, |shop, (sku, stock)| async move {
            shop.put_stock(&sku, &stock).await?;
            seen(&sku, || shop.stock(&sku)).await
        })
        .await?;
        let users = self.users.values().cloned().collect();
        gather(WORKERS, shop, users, |shop, user: NewUser| async move {
            shop.register(&user).await?;
            seen(&user.user_id, || shop.user(&user.user_id)).await
        })
        .await?;
        let coupons = self.coupons.clone().into_iter().collect();
        gather(WORKERS, shop, coupons, |shop, (id, coupon)| async move {
            shop.put_coupon(&id, &coupon).await?;
            seen(&id, || shop.coupon(&id)).await
        })
        .await?;
        Ok(())
    }

    /// Asks until all orders are final and the books balance, or until `patience` is over, and
    /// then says what is wrong.
    ///
    /// # Errors
    /// If the shop cannot be asked.
    pub async fn settle(
        &self,
        shop: &Shop,
        ledger: &Ledger,
        patience: Duration,
    ) -> Result<Settled> {
        let begun = Instant::now();
        loop {
            let facts = Facts::ask(self, shop).await?;
            let discrepancies = discrepancies(self, &facts, ledger);
            let after = begun.elapsed();
            if discrepancies.is_empty() || after > patience {
                return Ok(Settled {
                    facts,
                    discrepancies,
                    after,
                });
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

/// Waits until `ask` finds something.
async fn seen<T: Debug, F>(what: &str, ask: impl Fn() -> F) -> Result<()>
where
    F: Future<Output = Result<Option<T>>>,
{
    const PATIENCE: Duration = Duration::from_secs(60);
    let found = until(PATIENCE, ask, Option::is_some).await;
    found.with_context(|| format!("`{what}` is not shown"))?;
    Ok(())
}
