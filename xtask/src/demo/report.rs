//! What the demo shows at its end: outcomes, money, stock, figures and the verdict.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use testkit::books::{Facts, Settled};
use testkit::load::Run;
use testkit::provider::{Outcome, Provider};
use testkit::shop::{Order, PayStatus};

use super::story::Story;
use crate::table::{self, grouped, money};

/// Most discrepancies that are listed one by one.
const SHOWN_MAX: usize = 20;

/// Prints all tables.
pub(crate) fn print(story: &Story, run: &Run, settled: &Settled, provider: &Provider) {
    table::print("Orders", 2, &outcomes(&settled.facts));
    table::print("Money", 1, &money_rows(&settled.facts, provider));
    table::print("Stock", 1, &stock_rows(story, &settled.facts));
    table::print("Figures", 1, &figures(run, settled));
}

/// Says whether the books balance.
///
/// # Errors
/// If they do not.
pub(crate) fn verdict(settled: &Settled) -> Result<()> {
    let found = &settled.discrepancies;
    if found.is_empty() {
        let orders = grouped(settled.facts.orders.len() as u64);
        println!("\nThe books balance: {orders} orders, every one in its final state.");
        return Ok(());
    }
    for line in found.iter().take(SHOWN_MAX) {
        println!("  {line}");
    }
    bail!("the books do not balance: {} discrepancies", found.len())
}

/// Orders by final state and cause.
fn outcomes(facts: &Facts) -> Vec<Vec<String>> {
    let mut groups: BTreeMap<(String, String), (u64, u64)> = BTreeMap::new();
    for order in facts.orders.values() {
        let (orders, cents) = groups.entry((state(order), cause(order))).or_default();
        *orders += 1;
        *cents += order.goods_amount;
    }
    let mut rows = vec![row(["state", "cause", "orders", "goods"])];
    let (mut orders, mut goods) = (0, 0);
    for ((state, cause), (count, cents)) in groups {
        orders += count;
        goods += cents;
        rows.push(row([&state, &cause, &grouped(count), &money(cents)]));
    }
    rows.push(row(["all", "", &grouped(orders), &money(goods)]));
    rows
}

fn state(order: &Order) -> String {
    let status = format!("{:?}", order.status).to_lowercase();
    match order.pay_status {
        PayStatus::Paid => format!("{status}, paid"),
        PayStatus::Unpaid | PayStatus::Paying | PayStatus::Refunded => status,
    }
}

/// The cause without the id that it names.
fn cause(order: &Order) -> String {
    let cause = order.cause.as_deref().unwrap_or_default();
    cause.split(':').next().unwrap_or_default().to_owned()
}

/// Money as the orders have it, and as the provider has it.
fn money_rows(facts: &Facts, provider: &Provider) -> Vec<Vec<String>> {
    let paid = facts.orders.values();
    let paid: Vec<&Order> = paid
        .filter(|order| order.holds_goods() && order.pay_status == PayStatus::Paid)
        .collect();
    let sum = |part: fn(&Order) -> u64| money(paid.iter().map(|order| part(order)).sum());
    let ledger = provider.ledger();
    let charged = ledger.charges();
    let taken = charged
        .iter()
        .filter(|charge| charge.outcome() == Outcome::Succeeded);
    let taken: u64 = taken.map(|charge| charge.amount).sum();
    let refunded = ledger.refunded();
    let orders = facts.orders.values();
    let sellers = orders.filter(|order| order.pay_status == PayStatus::Refunded);
    let sellers = sellers.map(|order| order.pay_amount).sum();
    vec![
        row(["goods of paid orders", &sum(|order| order.goods_amount)]),
        row(["shipping", &sum(|order| order.shipping_fee)]),
        row(["less coupons", &sum(|order| order.coupon_amount)]),
        row(["less balances", &sum(|order| order.balance_amount)]),
        row(["to pay", &sum(|order| order.pay_amount)]),
        row(["taken by the provider", &money(taken)]),
        row(["refunded for the seller", &money(sellers)]),
        row([
            "refunded as late or wrong",
            &money(refunded.saturating_sub(sellers)),
        ]),
        row([
            "kept by the provider",
            &money(taken.saturating_sub(refunded)),
        ]),
    ]
}

/// Pieces over all SKUs.
fn stock_rows(story: &Story, facts: &Facts) -> Vec<Vec<String>> {
    let initial: u64 = story.plan.stocks.values().map(|stock| stock.initial).sum();
    let sold: u64 = facts.stocks.values().map(|stock| stock.sold).sum();
    let available: i64 = facts.stocks.values().map(|stock| stock.available).sum();
    let out = facts
        .stocks
        .values()
        .filter(|stock| stock.available == 0)
        .count();
    vec![
        row(["pieces at first", &grouped(initial)]),
        row(["sold", &grouped(sold)]),
        row(["available", &grouped(u64::try_from(available).unwrap_or(0))]),
        row(["SKUs", &grouped(facts.stocks.len() as u64)]),
        row(["SKUs sold out", &grouped(out as u64)]),
    ]
}

fn figures(run: &Run, settled: &Settled) -> Vec<Vec<String>> {
    let latency = |quantile| format!("{:.1} ms", run.latency_ms(quantile));
    vec![
        row([
            "orders to their outcome",
            &format!("{:.0}/s", run.per_second()),
        ]),
        row(["latency p50", &latency(0.5)]),
        row(["latency p90", &latency(0.9)]),
        row(["latency p99", &latency(0.99)]),
        row(["latency max", &latency(1.0)]),
        row([
            "all final after",
            &format!("{:.1} s", settled.after.as_secs_f64()),
        ]),
    ]
}

fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(str::to_owned).to_vec()
}
