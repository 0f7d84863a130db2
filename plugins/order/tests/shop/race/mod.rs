//! The race of payment, deadline and refund, in every order that there is: one order, whose buyer
//! pays, whose deadline falls due, and whose seller refunds it, with every interleaving of their
//! messages, of timers, callbacks, questions and check-backs, and of one fault.
//!
//! Each state that can be reached is visited once. Where nothing is left to happen, the books must
//! balance: money and state agree, one charge at most is kept, what came too late went back once,
//! and so did stock, coupon, balance and points.

mod events;
mod explorer;
mod fingerprint;

use std::collections::BTreeSet;

use serde_json::json;
use wasmill_plugin_order::domain::{Order, PayStatus, Status};

use crate::provider::{Fate, Provider, Script};
use crate::requests;
use crate::world::World;
use explorer::explore;

/// The order that it is all about.
const ORDER: &str = "o";

/// What may happen, at most.
#[derive(Clone, Copy, Debug)]
struct Scenario {
    /// How much the coupon is worth; the goods cost 20.00, and shipping 10.00.
    coupon: u64,
    /// Payments that the buyer tries.
    payments: u8,
    /// Requests of the seller to refund.
    refunds: u8,
    /// And to finish.
    finishes: u8,
    provider: Script,
    /// Requests that get lost, and handlers that crash.
    faults: u8,
    /// Timers before the deadline that are waited for, while other things could happen.
    waits: u8,
    /// Whether stock, coupon and balance hear at once of what is returned, which spares states:
    /// nothing else comes to them here.
    returns_at_once: bool,
}

/// One payment, a provider that charges and calls back twice, and a seller who asks twice.
const PLAIN: Scenario = Scenario {
    coupon: 500,
    payments: 1,
    refunds: 2,
    finishes: 0,
    provider: Script {
        fate: Fate::Charged,
        at_once: false,
        callbacks: 2,
    },
    faults: 0,
    waits: 1,
    returns_at_once: false,
};

/// Ends without money: the buyer did not pay, was too late, or paid an order that was no more.
const UNPAID: [&str; 3] = [
    "order invalid: not paid in time",
    "order invalid: not paid in time; payment failed",
    "order invalid: not paid in time; payment refused",
];
/// Ends of a charge: in time and kept, too late, or returned by the seller.
const CHARGED: [&str; 3] = [
    "order confirmed; payment succeeded",
    "order invalid: not paid in time; payment refunded: the order is invalid",
    "order refunded; payment refunded: the seller refunds the order",
];

/// The order confirmed, and everything else still to come.
fn confirmed(scenario: &Scenario) -> World {
    let mut world = World::new(0);
    world.faulty = false;
    world.provider = Provider::scripted(scenario.provider);
    requests::put_stock(&mut world, "sku", 2_000, 3);
    requests::register(&mut world, "ann", 700);
    requests::put_coupon(&mut world, "c", "ann", scenario.coupon);
    let order = json!({
        "order_id": ORDER, "user_id": "ann", "items": [{ "sku": "sku", "quantity": 1 }],
        "coupon_id": "c", "use_balance": true,
    });
    while world.step() {}
    requests::place(&mut world, &order);
    while world.step() {}
    let order: Order = world.load("order", ORDER, "order").expect("it was placed");
    assert_eq!(order.status, Status::Confirmed);
    let paid = order.amounts.pay_amount == 0;
    assert_eq!(order.pay_status == PayStatus::Paid, paid);
    world
}

/// Explores the scenario, which must end in all these ways and in no other.
fn race(scenario: &Scenario, ends: &[&[&str]]) {
    let found = explore(scenario, confirmed(scenario));
    println!("{} states of {scenario:?}", found.states);
    let expected: BTreeSet<_> = ends.concat().into_iter().map(str::to_owned).collect();
    assert_eq!(found.ends, expected, "{scenario:?}");
}

/// What the provider does with every charge.
const fn provider(fate: Fate, at_once: bool, callbacks: u32) -> Script {
    Script {
        fate,
        at_once,
        callbacks,
    }
}

#[test]
fn a_payment_races_its_deadline_and_two_refunds() {
    race(&PLAIN, &[&UNPAID, &CHARGED]);
    let at_once = provider(Fate::Charged, true, 1);
    let scenario = Scenario {
        provider: at_once,
        ..PLAIN
    };
    race(&scenario, &[&UNPAID, &CHARGED]);
}

#[test]
fn a_payment_that_nobody_calls_back_about_is_asked_for() {
    let silent = provider(Fate::Charged, false, 0);
    let scenario = Scenario {
        provider: silent,
        waits: 3,
        ..PLAIN
    };
    race(&scenario, &[&UNPAID, &CHARGED]);
}

#[test]
fn a_lost_request_a_lost_answer_or_a_crash_changes_no_end() {
    let scenario = Scenario {
        provider: provider(Fate::Charged, false, 1),
        refunds: 1,
        faults: 2,
        returns_at_once: true,
        ..PLAIN
    };
    race(&scenario, &[&UNPAID, &CHARGED]);
}

#[test]
fn a_seller_who_finishes_may_still_refund_and_not_the_other_way_round() {
    let scenario = Scenario {
        provider: provider(Fate::Charged, false, 1),
        finishes: 1,
        ..PLAIN
    };
    let finished = ["order finished; payment succeeded"];
    race(&scenario, &[&UNPAID, &CHARGED, &finished]);
}

#[test]
fn a_charge_that_fails_or_is_wrong_pays_nothing() {
    let scenario = Scenario {
        provider: provider(Fate::Fails, false, 2),
        ..PLAIN
    };
    race(&scenario, &[&UNPAID]);
    let scenario = Scenario {
        provider: provider(Fate::WrongAmount, false, 2),
        ..PLAIN
    };
    let returned = [
        "order invalid: not paid in time; payment refunded: the amount charged is not the order's",
        "order invalid: not paid in time; payment refunded: the order is invalid",
    ];
    race(&scenario, &[&UNPAID, &returned]);
}

#[test]
fn an_order_with_nothing_to_pay_is_refunded_without_the_provider() {
    let scenario = Scenario {
        coupon: 50_000,
        finishes: 1,
        ..PLAIN
    };
    let ends = [
        "order confirmed",
        "order confirmed; payment succeeded",
        "order finished",
        "order finished; payment refused",
        "order finished; payment succeeded",
        "order refunded",
        "order refunded; payment refused",
        "order refunded; payment succeeded",
    ];
    race(&scenario, &[&ends]);
}

/// The provider first says of both charges that they failed, and then that they did not: the one
/// case in which two payments of an order are charged.
#[test]
fn of_two_payments_one_is_kept_at_most() {
    let scenario = Scenario {
        payments: 2,
        refunds: 1,
        provider: provider(Fate::FailsAtFirst, false, 2),
        waits: 0,
        returns_at_once: true,
        ..PLAIN
    };
    let ends = [
        "order confirmed; payment failed; payment succeeded",
        "order confirmed; payment refunded: the order is already paid; payment succeeded",
        "order confirmed; payment refused; payment succeeded",
        "order invalid: not paid in time; payment failed; payment refunded: the order is invalid",
        "order invalid: not paid in time; payment failed; payment refused",
        "order invalid: not paid in time; payment refunded: the order is invalid; payment refunded: \
         the order is invalid",
        "order invalid: not paid in time; payment refunded: the order is invalid; payment refused",
        "order invalid: not paid in time; payment refused; payment refused",
        "order refunded; payment failed; payment refunded: the seller refunds the order",
        "order refunded; payment refunded: the order is already paid; payment refunded: the seller \
         refunds the order",
        "order refunded; payment refunded: the order is refunded; payment refunded: the seller \
         refunds the order",
        "order refunded; payment refunded: the seller refunds the order; payment refused",
    ];
    race(&scenario, &[&UNPAID, &CHARGED, &ends]);
}
