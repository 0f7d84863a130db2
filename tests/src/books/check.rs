//! The rules that the books obey once nothing is in flight. Pure: facts in, discrepancies out.

use std::collections::BTreeMap;

use super::{Facts, Plan};
use crate::provider::Ledger;
use crate::shop::{Order, PayStatus};

/// All that does not agree, one line each; empty if the books balance.
#[must_use]
pub fn discrepancies(plan: &Plan, facts: &Facts, ledger: &Ledger) -> Vec<String> {
    let mut found = Findings::default();
    found.orders(plan, facts);
    found.stocks(plan, facts);
    found.coupons(plan, facts);
    found.balances(plan, facts);
    found.money(facts, ledger);
    found.points(facts);
    found.0
}

#[derive(Default)]
struct Findings(Vec<String>);

impl Findings {
    fn unless(&mut self, holds: bool, finding: impl FnOnce() -> String) {
        if !holds {
            self.0.push(finding());
        }
    }

    /// Every order that was taken is known and final, and its amounts add up.
    fn orders(&mut self, plan: &Plan, facts: &Facts) {
        for id in plan.orders.keys() {
            self.unless(facts.orders.contains_key(id), || {
                format!("order {id}: lost")
            });
        }
        for (id, order) in &facts.orders {
            let Order {
                status, pay_status, ..
            } = order;
            self.unless(order.is_final(), || {
                format!("order {id}: not final: {status:?}, {pay_status:?}")
            });
            if order.holds_goods() || order.was_paid() {
                let before = order.goods_amount + order.shipping_fee;
                let due = before.saturating_sub(order.coupon_amount + order.balance_amount);
                let asked = order.pay_amount;
                self.unless(asked == due, || {
                    format!("order {id}: {asked} to pay, not {due}")
                });
            }
        }
    }

    /// `initial = available + sold`, nothing is negative, and what is sold is in orders.
    fn stocks(&mut self, plan: &Plan, facts: &Facts) {
        let mut held: BTreeMap<&str, u64> = BTreeMap::new();
        for order in facts.orders.values().filter(|order| order.holds_goods()) {
            for item in &order.items {
                *held.entry(&item.sku).or_default() += item.quantity;
            }
        }
        for (sku, stock) in &facts.stocks {
            let (available, sold) = (stock.available, stock.sold);
            let initial = plan.stocks.get(sku).map_or(0, |stock| stock.initial);
            self.unless(available >= 0, || {
                format!("stock {sku}: {available} available")
            });
            self.unless(
                i128::from(initial) == i128::from(available) + i128::from(sold),
                || format!("stock {sku}: {initial} at first, but {available} + {sold} now"),
            );
            let held = held.get(sku.as_str()).copied().unwrap_or(0);
            self.unless(held == sold, || {
                format!("stock {sku}: {sold} sold, but orders hold {held}")
            });
        }
    }

    /// A coupon is used by the one order that holds it, or unused and held by none.
    fn coupons(&mut self, plan: &Plan, facts: &Facts) {
        let mut holders: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (id, order) in facts.orders.iter().filter(|(_, order)| order.holds_goods()) {
            let coupon = plan
                .orders
                .get(id)
                .and_then(|order| order.coupon_id.as_deref());
            if let Some(coupon) = coupon.filter(|_| order.coupon_amount > 0) {
                holders.entry(coupon).or_default().push(id);
            }
        }
        for (id, coupon) in &facts.coupons {
            let holders = holders.remove(id.as_str()).unwrap_or_default();
            let used_by: Vec<&str> = match coupon.state.as_str() {
                "used" => coupon.order_id.as_deref().into_iter().collect(),
                _ => Vec::new(),
            };
            let state = &coupon.state;
            self.unless(used_by == holders, || {
                format!("coupon {id}: {state} by {used_by:?}, but held by {holders:?}")
            });
        }
        self.unless(holders.is_empty(), || {
            format!("unknown coupons are held: {holders:?}")
        });
    }

    /// A balance is what it was at first less what orders took of it and have not given back.
    fn balances(&mut self, plan: &Plan, facts: &Facts) {
        let mut taken: BTreeMap<&str, u64> = BTreeMap::new();
        for order in facts.orders.values().filter(|order| order.holds_goods()) {
            *taken.entry(&order.user_id).or_default() += order.balance_amount;
        }
        for (user, balance) in &facts.balances {
            let initial = plan.users.get(user).map_or(0, |user| user.balance);
            let taken = taken.get(user.as_str()).copied().unwrap_or(0);
            self.unless(
                i128::from(initial) - i128::from(taken) == i128::from(*balance),
                || format!("user {user}: {initial} less {taken} is not the balance {balance}"),
            );
        }
    }

    /// The provider took the exact amount of each paid order, once, and gave that of a refunded one
    /// back. Whatever else it took, too late, twice or wrong, it gave back as well.
    fn money(&mut self, facts: &Facts, ledger: &Ledger) {
        let unsettled = ledger.unsettled();
        self.unless(unsettled == 0, || {
            format!("{unsettled} charges are unsettled")
        });
        let mut flows: BTreeMap<String, Flow> = BTreeMap::new();
        for charge in ledger.charges() {
            let flow = flows.entry(charge.order_id.clone()).or_default();
            flow.paid += charge.taken();
            flow.refunded += charge.refunded;
        }
        for (id, order) in &facts.orders {
            let due = Flow::of(order);
            let flow = flows.remove(id).unwrap_or_default();
            let besides = flow.paid.checked_sub(due.paid);
            let returned = flow.refunded.checked_sub(due.refunded);
            self.unless(besides.is_some() && besides == returned, || {
                format!("order {id}: the provider has {flow:?}, the order {due:?}")
            });
        }
        flows.retain(|_, flow| flow.paid > flow.refunded);
        self.unless(flows.is_empty(), || {
            format!("money for unknown orders: {flows:?}")
        });
    }

    /// One point for each whole 1.00 of a paid order.
    fn points(&mut self, facts: &Facts) {
        let mut earned: BTreeMap<&str, u64> = BTreeMap::new();
        for order in facts.orders.values() {
            if order.pay_status == PayStatus::Paid && order.holds_goods() {
                *earned.entry(&order.user_id).or_default() += order.pay_amount / 100;
            }
        }
        for (user, points) in &facts.points {
            let earned = earned.get(user.as_str()).copied().unwrap_or(0);
            self.unless(*points == earned, || {
                format!("user {user}: {points} points, but {earned} were earned")
            });
        }
    }
}

/// Money of one order through the provider, in cents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Flow {
    paid: u64,
    refunded: u64,
}

impl Flow {
    /// As the order tells it.
    fn of(order: &Order) -> Self {
        let (paid, refunded) = match order.pay_status {
            PayStatus::Unpaid | PayStatus::Paying => (0, 0),
            PayStatus::Paid => (order.pay_amount, 0),
            PayStatus::Refunded => (order.pay_amount, order.pay_amount),
        };
        Self { paid, refunded }
    }
}
