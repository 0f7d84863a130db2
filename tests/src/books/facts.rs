//! What the shop says about everything that was put into it, asked over HTTP.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

use super::{Plan, WORKERS};
use crate::load::gather;
use crate::shop::{Coupon, Order, Shop, Stock};

/// The shop's answers. An order that was never taken is not among them.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// By id.
    pub orders: BTreeMap<String, Order>,
    /// By SKU.
    pub stocks: BTreeMap<String, Stock>,
    /// By id.
    pub coupons: BTreeMap<String, Coupon>,
    /// Cents by user.
    pub balances: BTreeMap<String, i64>,
    /// By user.
    pub points: BTreeMap<String, u64>,
}

impl Facts {
    /// Asks for everything in `plan`.
    ///
    /// # Errors
    /// If the shop cannot be asked, or does not know what was put into it.
    pub async fn ask(plan: &Plan, shop: &Shop) -> Result<Self> {
        let orders = gather(
            WORKERS,
            shop,
            keys(&plan.orders),
            |shop: Shop, id: String| async move { Ok((shop.order(&id).await?, id)) },
        );
        let orders = orders.await?;
        let stocks = gather(
            WORKERS,
            shop,
            keys(&plan.stocks),
            |shop: Shop, sku: String| async move { Ok((known(&sku, shop.stock(&sku).await?)?, sku)) },
        );
        let stocks = stocks.await?;
        let coupons = gather(
            WORKERS,
            shop,
            keys(&plan.coupons),
            |shop: Shop, id: String| async move { Ok((known(&id, shop.coupon(&id).await?)?, id)) },
        );
        let coupons = coupons.await?;
        let users = gather(
            WORKERS,
            shop,
            keys(&plan.users),
            |shop: Shop, id: String| async move {
                let user = known(&id, shop.user(&id).await?)?;
                Ok((id.clone(), user.balance, shop.points(&id).await?))
            },
        );
        let users = users.await?;
        Ok(Self {
            orders: orders
                .into_iter()
                .filter_map(|(o, id)| o.map(|o| (id, o)))
                .collect(),
            stocks: stocks
                .into_iter()
                .map(|(stock, sku)| (sku, stock))
                .collect(),
            coupons: coupons
                .into_iter()
                .map(|(coupon, id)| (id, coupon))
                .collect(),
            balances: users
                .iter()
                .map(|(id, balance, _)| (id.clone(), *balance))
                .collect(),
            points: users
                .into_iter()
                .map(|(id, _, points)| (id, points))
                .collect(),
        })
    }
}

fn keys<T>(map: &BTreeMap<String, T>) -> Vec<String> {
    map.keys().cloned().collect()
}

fn known<T>(id: &str, found: Option<T>) -> Result<T> {
    found.with_context(|| format!("the shop does not know `{id}`, which it took"))
}
