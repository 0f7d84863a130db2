//! The demo's story: what the purchases do not tell. Who has a balance or a coupon, which SKUs
//! are scarce and who never pays is derived by plain rules, so that every outcome occurs.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use testkit::books::Plan;
use testkit::shop::{Item, NewCoupon, NewOrder, NewStock, NewUser};

use crate::orders::Purchase;

/// Every so many-th SKU has fewer pieces than are asked for.
const SCARCE_EVERY: usize = 10;
/// Per cent of the demand that a scarce SKU can serve.
const SCARCE_PER_CENT: u64 = 80;
/// Every so many-th user has a balance, and uses it.
const BALANCE_EVERY: usize = 3;
/// Every so many-th order brings a coupon.
const COUPON_EVERY: usize = 8;
/// Every so many-th order is never paid.
const UNPAID_EVERY: usize = 12;
/// Every so many-th order is refunded by the seller, if it was paid.
const REFUNDED_EVERY: usize = 25;
/// Cents that a coupon takes off.
const COUPON_AMOUNT: u64 = 500;
/// A time long past: 1997, when the orders were placed.
const LONG_AGO_MS: u64 = 852_076_800_000;

/// What is put into the shop, and what happens then.
#[derive(Debug)]
pub(crate) struct Story {
    /// SKUs, users, coupons and orders.
    pub(crate) plan: Plan,
    /// The orders as they come in.
    pub(crate) sequence: Vec<String>,
    /// Orders whose buyers never pay.
    pub(crate) unpaid: BTreeSet<String>,
    /// Orders that the seller takes back once they are paid.
    pub(crate) refunded: BTreeSet<String>,
}

/// What is wrong with a coupon, if anything.
#[derive(Clone, Copy)]
enum Flaw {
    None,
    /// The user's next order brings it again.
    BroughtTwice,
    Expired,
    OfAnother,
    /// Nobody ever made it.
    Unknown,
    /// The order is too small for it.
    TooDear,
}

/// Coupons in turn. Most are good.
const FLAWS: [Flaw; 10] = [
    Flaw::None,
    Flaw::None,
    Flaw::BroughtTwice,
    Flaw::None,
    Flaw::Expired,
    Flaw::None,
    Flaw::OfAnother,
    Flaw::None,
    Flaw::TooDear,
    Flaw::Unknown,
];

impl Story {
    /// The story of these purchases; the same purchases have the same story.
    #[must_use]
    pub(crate) fn of(purchases: &[Purchase]) -> Self {
        let mut story = Self {
            plan: Plan {
                stocks: stocks(purchases),
                users: users(purchases),
                ..Plan::default()
            },
            sequence: Vec::new(),
            unpaid: BTreeSet::new(),
            refunded: BTreeSet::new(),
        };
        let mut again = HashMap::new();
        for (nth, purchase) in purchases.iter().enumerate() {
            let order = story.order(nth, purchase, &mut again);
            if nth % UNPAID_EVERY == 0 {
                story.unpaid.insert(order.order_id.clone());
            } else if nth % REFUNDED_EVERY == 1 {
                story.refunded.insert(order.order_id.clone());
            }
            story.sequence.push(order.order_id.clone());
            story.plan.orders.insert(order.order_id.clone(), order);
        }
        story
    }

    /// The nth order. `again` holds coupons that a user will bring a second time.
    fn order(
        &mut self,
        nth: usize,
        purchase: &Purchase,
        again: &mut HashMap<String, String>,
    ) -> NewOrder {
        let user = &purchase.user_id;
        let coupon_id = match again.remove(user) {
            Some(coupon) => Some(coupon),
            None if nth % COUPON_EVERY == 3 => {
                let flaw = FLAWS[nth / COUPON_EVERY % FLAWS.len()];
                let id = format!("coupon-{}", purchase.order_id);
                if let Some(coupon) = coupon(flaw, purchase) {
                    self.plan.coupons.insert(id.clone(), coupon);
                }
                if matches!(flaw, Flaw::BroughtTwice) {
                    again.insert(user.clone(), id.clone());
                }
                Some(id)
            }
            None => None,
        };
        NewOrder {
            order_id: purchase.order_id.clone(),
            user_id: user.clone(),
            items: vec![Item {
                sku: purchase.sku.clone(),
                quantity: purchase.quantity,
            }],
            coupon_id,
            use_balance: self
                .plan
                .users
                .get(user)
                .is_some_and(|user| user.balance > 0),
        }
    }
}

fn coupon(flaw: Flaw, purchase: &Purchase) -> Option<NewCoupon> {
    let goods = purchase.quantity * purchase.unit_price_cents;
    let good = NewCoupon {
        user_id: purchase.user_id.clone(),
        amount: COUPON_AMOUNT,
        min_goods: None,
        expires_at: None,
    };
    match flaw {
        Flaw::None | Flaw::BroughtTwice => Some(good),
        Flaw::Expired => Some(NewCoupon {
            expires_at: Some(LONG_AGO_MS),
            ..good
        }),
        Flaw::OfAnother => Some(NewCoupon {
            user_id: "somebody-else".to_owned(),
            ..good
        }),
        Flaw::TooDear => Some(NewCoupon {
            min_goods: Some(goods + 1),
            ..good
        }),
        Flaw::Unknown => None,
    }
}

fn stocks(purchases: &[Purchase]) -> BTreeMap<String, NewStock> {
    let mut demand: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for purchase in purchases {
        let (price, pieces) = demand.entry(&purchase.sku).or_default();
        *price = purchase.unit_price_cents;
        *pieces += purchase.quantity;
    }
    let stock = |(nth, (sku, (unit_price, pieces))): (usize, (&str, (u64, u64)))| {
        let initial = match nth % SCARCE_EVERY {
            0 => pieces * SCARCE_PER_CENT / 100,
            _ => pieces,
        };
        (
            sku.to_owned(),
            NewStock {
                unit_price,
                initial,
            },
        )
    };
    demand.into_iter().enumerate().map(stock).collect()
}

fn users(purchases: &[Purchase]) -> BTreeMap<String, NewUser> {
    let mut spending: BTreeMap<&str, u64> = BTreeMap::new();
    for purchase in purchases {
        *spending.entry(&purchase.user_id).or_default() +=
            purchase.quantity * purchase.unit_price_cents;
    }
    let user = |(nth, (id, cents)): (usize, (&str, u64))| {
        let user = NewUser {
            user_id: id.to_owned(),
            name: id.to_owned(),
            email: format!("{id}@example.com"),
            phone: format!("+1-555-{nth:05}"),
            // Half of what they spend in all: enough for some orders, scarce for others.
            balance: if nth % BALANCE_EVERY == 0 {
                cents / 2
            } else {
                0
            },
        };
        (id.to_owned(), user)
    };
    spending.into_iter().enumerate().map(user).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::orders;

    #[test]
    fn the_bundled_orders_have_something_of_everything() {
        let purchases = orders::read(&orders::bundled()).unwrap();
        let story = Story::of(&purchases);
        assert_eq!(story.sequence.len(), 6_919);
        let asked: u64 = purchases.iter().map(|purchase| purchase.quantity).sum();
        let there: u64 = story.plan.stocks.values().map(|stock| stock.initial).sum();
        assert!(there < asked, "some stock is scarce");
        let mut brought = HashMap::<&str, usize>::new();
        for order in story.plan.orders.values() {
            *brought
                .entry(order.coupon_id.as_deref().unwrap_or(""))
                .or_default() += 1;
        }
        brought.remove("");
        assert!(
            brought.values().any(|times| *times == 2),
            "a coupon is brought twice"
        );
        assert!(
            brought
                .keys()
                .any(|id| !story.plan.coupons.contains_key(*id)),
            "one is unknown"
        );
        assert!(
            story
                .plan
                .coupons
                .values()
                .any(|coupon| coupon.expires_at.is_some())
        );
        assert!(story.plan.users.values().any(|user| user.balance > 0));
        assert!(story.unpaid.len() > 500);
        assert!(story.refunded.len() > 200);
        assert!(story.refunded.is_disjoint(&story.unpaid));
    }

    #[test]
    fn the_same_purchases_have_the_same_story() {
        let purchases = orders::read(&orders::bundled()).unwrap();
        let (one, two) = (Story::of(&purchases), Story::of(&purchases));
        assert_eq!(format!("{one:?}"), format!("{two:?}"));
    }
}
