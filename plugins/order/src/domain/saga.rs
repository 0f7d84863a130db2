//! From placed to confirmed or cancelled, never between: stock, then coupon, then balance.
//!
//! Whatever was asked for and not refused is given back once, granted or not: if the answer is
//! only late, the undo stands in its way.

use serde::{Deserialize, Serialize};
use wasmill_plugin_kit::messages::Placed;

use super::{
    Amounts, Decision, Effect, Hold, Line, News, Order, PayStatus, Status, Terms, payment,
};

/// What an unconfirmed order waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// All its SKUs.
    Stock,
    /// The coupon.
    Coupon,
    /// The balance.
    Balance,
    /// Nothing any more.
    Done,
}

/// The answer of a step: what it grants, or why it refuses.
pub type Answer<T> = Result<T, String>;

/// A new order.
#[must_use]
pub fn place(placed: Placed, terms: Terms, now: u64) -> Decision {
    let order = Order {
        order_id: placed.order_id,
        user_id: placed.user_id,
        status: Status::Unconfirmed,
        pay_status: PayStatus::Unpaid,
        cause: None,
        lines: merged(
            placed
                .items
                .into_iter()
                .map(|item| (item.sku, item.quantity)),
        ),
        coupon_id: placed.coupon_id,
        use_balance: placed.use_balance,
        amounts: Amounts::default(),
        coupon: Hold::Free,
        balance: Hold::Free,
        step: Step::Stock,
        step_since: now,
        deadline: None,
        payment_id: None,
        terms,
    };
    let reserve = |line: &Line| Effect::ReserveStock {
        sku: line.sku.clone(),
        quantity: line.quantity,
    };
    let mut effects: Vec<_> = order.lines.iter().map(reserve).collect();
    effects.push(Effect::WakeAt(now + terms.saga_timeout));
    Decision::of(order, effects)
}

/// A SKU's answer: its unit price. None if nobody waits for it.
#[must_use]
pub fn on_stock(mut order: Order, sku: &str, answer: Answer<u64>, now: u64) -> Option<Decision> {
    if order.step != Step::Stock {
        return None;
    }
    let asked = |line: &&mut Line| line.sku == sku && line.hold == Hold::Asked;
    let line = order.lines.iter_mut().find(asked)?;
    match answer {
        Ok(unit_price) => {
            line.unit_price = Some(unit_price);
            line.hold = Hold::Granted;
            let complete = order.lines.iter().all(|line| line.hold == Hold::Granted);
            Some(if complete {
                order.priced().ask_coupon(now)
            } else {
                Decision::of(order, vec![])
            })
        }
        Err(cause) => {
            line.hold = Hold::Free;
            Some(order.cancelled(format!("{cause}: {sku}")))
        }
    }
}

/// The coupon's answer: its worth. None if nobody waits for it.
#[must_use]
pub fn on_coupon(mut order: Order, answer: Answer<u64>, now: u64) -> Option<Decision> {
    if order.step != Step::Coupon {
        return None;
    }
    Some(match answer {
        Ok(worth) => {
            order.coupon = Hold::Granted;
            // A coupon pays no more than there is to pay, so that the amounts always add up.
            order.amounts.coupon_amount = worth.min(order.amounts.left());
            order.ask_balance(now)
        }
        Err(cause) => {
            order.coupon = Hold::Free;
            order.cancelled(cause)
        }
    })
}

/// The balance's answer: what it paid. None if nobody waits for it.
#[must_use]
pub fn on_balance(mut order: Order, answer: Answer<u64>, now: u64) -> Option<Decision> {
    if order.step != Step::Balance {
        return None;
    }
    Some(match answer {
        Ok(paid) => {
            order.balance = Hold::Granted;
            order.amounts.balance_amount = paid;
            order.confirmed(now)
        }
        Err(cause) => {
            order.balance = Hold::Free;
            order.cancelled(cause)
        }
    })
}

/// The order's timer. None if it has nothing to say any more.
#[must_use]
pub fn due(order: Order, now: u64) -> Option<Decision> {
    match order.status {
        Status::Unconfirmed => Some(order.timed_out(now)),
        Status::Confirmed => payment::expired(order, now),
        Status::Cancelled | Status::Invalid | Status::Finished | Status::Refunded => None,
    }
}

impl Order {
    /// All SKUs have answered.
    fn priced(mut self) -> Self {
        let price = |line: &Line| line.unit_price.unwrap_or(0) * line.quantity;
        let goods: u64 = self.lines.iter().map(price).sum();
        self.amounts.goods_amount = goods;
        self.amounts.shipping_fee = self.terms.shipping_of(goods);
        self
    }

    fn ask_coupon(mut self, now: u64) -> Decision {
        let Some(coupon_id) = self.coupon_id.clone() else {
            return self.ask_balance(now);
        };
        self.coupon = Hold::Asked;
        let goods_amount = self.amounts.goods_amount;
        self.waits_for(
            Step::Coupon,
            Effect::UseCoupon {
                coupon_id,
                goods_amount,
            },
            now,
        )
    }

    fn ask_balance(mut self, now: u64) -> Decision {
        let at_most = self.amounts.left();
        if !self.use_balance || at_most == 0 {
            return self.confirmed(now);
        }
        self.balance = Hold::Asked;
        self.waits_for(Step::Balance, Effect::DebitBalance { at_most }, now)
    }

    /// The timer is not set again for each step: when it fires it looks at the step's own start.
    fn waits_for(mut self, step: Step, ask: Effect, now: u64) -> Decision {
        self.step = step;
        self.step_since = now;
        Decision::of(self, vec![ask])
    }

    fn confirmed(mut self, now: u64) -> Decision {
        self.step = Step::Done;
        self.status = Status::Confirmed;
        self.amounts.pay_amount = self.amounts.left();
        let effects = if self.amounts.pay_amount == 0 {
            self.pay_status = PayStatus::Paid;
            vec![
                Effect::LetSleep,
                Effect::Announce(News::Confirmed),
                Effect::Announce(News::Paid),
            ]
        } else {
            let deadline = now + self.terms.payment_deadline;
            self.deadline = Some(deadline);
            vec![Effect::WakeAt(deadline), Effect::Announce(News::Confirmed)]
        };
        Decision::of(self, effects)
    }

    fn cancelled(mut self, cause: String) -> Decision {
        let mut effects = self.give_back();
        self.step = Step::Done;
        self.status = Status::Cancelled;
        self.cause = Some(cause);
        effects.extend([Effect::LetSleep, Effect::Announce(News::Cancelled)]);
        Decision::of(self, effects)
    }

    fn timed_out(self, now: u64) -> Decision {
        let until = self.step_since + self.terms.saga_timeout;
        if now < until {
            return Decision {
                order: None,
                effects: vec![Effect::WakeAt(until)],
            };
        }
        let who = match self.step {
            Step::Stock => "stock",
            Step::Coupon => "coupon",
            Step::Balance | Step::Done => "account",
        };
        self.cancelled(format!("no answer from {who} in time"))
    }

    /// Frees all that the order holds or may hold.
    pub(super) fn give_back(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        for line in &mut self.lines {
            if line.hold.free() {
                effects.push(Effect::ReleaseStock {
                    sku: line.sku.clone(),
                });
            }
        }
        if self.coupon.free() {
            let coupon_id = self.coupon_id.clone().unwrap_or_default();
            effects.push(Effect::ReleaseCoupon { coupon_id });
        }
        if self.balance.free() {
            effects.push(Effect::CreditBalance);
        }
        effects
    }
}

impl Hold {
    /// Frees it; false if there was nothing to give back.
    fn free(&mut self) -> bool {
        std::mem::replace(self, Self::Free) != Self::Free
    }
}

impl Terms {
    /// What shipping goods of this amount costs.
    #[must_use]
    pub fn shipping_of(&self, goods_amount: u64) -> u64 {
        match goods_amount > self.free_shipping_above {
            true => 0,
            false => self.shipping_fee,
        }
    }
}

impl Amounts {
    /// What coupon and balance have not paid.
    fn left(&self) -> u64 {
        let total = self.goods_amount + self.shipping_fee;
        total
            .saturating_sub(self.coupon_amount)
            .saturating_sub(self.balance_amount)
    }
}

/// One line a SKU, in the order of their first mention.
fn merged(items: impl Iterator<Item = (String, u64)>) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for (sku, quantity) in items {
        match lines.iter_mut().find(|line| line.sku == sku) {
            Some(line) => line.quantity += quantity,
            None => lines.push(Line {
                sku,
                quantity,
                unit_price: None,
                hold: Hold::Asked,
            }),
        }
    }
    lines
}
