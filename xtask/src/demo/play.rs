//! Buyers at work: each places an order, waits for its outcome, and pays; and a seller who takes
//! some of them back.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use indicatif::ProgressBar;
use testkit::load::{self, Run};
use testkit::shop::{NewOrder, Order, Shop, Status};
use tokio::sync::{Mutex, mpsc};

use super::story::Story;

/// How long the shop may wait with its answer for the outcome.
const WAIT: &str = "10s";
/// How long the seller looks for the payment of an order that is to be refunded.
const PAID_SOON: Duration = Duration::from_secs(2);
/// Payments begun at once.
const TILLS: usize = 16;
/// Longest time until an order is confirmed or cancelled.
const OUTCOME_TIMEOUT: Duration = Duration::from_secs(180);

/// Plays all orders; latency is from placing an order to its outcome.
pub(crate) async fn all(story: &Story, shop: &Shop, concurrency: usize, bar: &ProgressBar) -> Run {
    let orders = &story.plan.orders;
    let jobs = story
        .sequence
        .iter()
        .filter_map(|id| orders.get(id).cloned())
        .collect();
    let unpaid = Arc::new(story.unpaid.clone());
    // Paying is a second wave that follows closely, so that latency is that of placing.
    let (confirmed, to_pay) = mpsc::unbounded_channel();
    let returns = Arc::new(story.refunded.clone());
    let tills = tokio::spawn(tills((shop.clone(), returns, bar.clone()), to_pay));
    let on = (shop.clone(), unpaid, confirmed, bar.clone());
    let mut run = load::closed(
        concurrency,
        &on,
        jobs,
        |(shop, unpaid, pay, bar), order| async move {
            let outcome = place(&shop, &order).await?;
            if outcome.status == Status::Confirmed && !unpaid.contains(&order.order_id) {
                // Fails only if the till has failed, which is told below.
                let _ = pay.send(order.order_id);
            } else {
                bar.inc(1);
            }
            Ok(())
        },
    )
    .await;
    drop(on);
    if let Err(error) = tills.await.map_err(anyhow::Error::from).flatten() {
        run.failed += 1;
        run.failures.push(format!("{error:#}"));
    }
    run
}

/// Pays every order that comes in, several at once, and has those refunded that `returns` names.
async fn tills(
    (shop, returns, bar): (Shop, Arc<BTreeSet<String>>, ProgressBar),
    orders: mpsc::UnboundedReceiver<String>,
) -> Result<()> {
    let orders = Arc::new(Mutex::new(orders));
    let on = (shop, returns, bar, orders);
    load::gather(
        TILLS,
        &on,
        vec![(); TILLS],
        |(shop, returns, bar, orders), ()| async move {
            loop {
                // Held only while waiting for the next order: one till takes it, the others queue.
                let next = orders.lock().await.recv().await;
                let Some(order_id) = next else { return Ok(()) };
                match returns.contains(&order_id) {
                    true => pay_and_refund(&shop, &order_id).await?,
                    false => drop(shop.pay(&order_id).await?),
                }
                bar.inc(1);
            }
        },
    )
    .await
    .map(drop)
}

/// Pays an order and refunds it, unless the provider does not take the money soon.
async fn pay_and_refund(shop: &Shop, order_id: &str) -> Result<()> {
    shop.pay(order_id).await?;
    if shop.is_paid(order_id, PAID_SOON).await? {
        shop.refund(order_id, WAIT).await?;
    }
    Ok(())
}

/// Places an order and follows it to its outcome.
async fn place(shop: &Shop, order: &NewOrder) -> Result<Order> {
    let begun = Instant::now();
    let reply = shop.place_and_wait(order, WAIT).await?;
    if let Ok(outcome) = reply.json::<Order>() {
        return Ok(outcome);
    }
    loop {
        let shown = shop.order(&order.order_id).await?;
        if let Some(order) = shown.filter(|order| order.status != Status::Unconfirmed) {
            return Ok(order);
        }
        let subject = || format!("order {} has no outcome", order.order_id);
        ensure!(begun.elapsed() < OUTCOME_TIMEOUT, subject());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
