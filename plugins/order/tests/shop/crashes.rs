//! The handlers of a payment die at each of their calls of the host in turn, before it and after
//! it: there is one charge all the same, and one half message that is committed.

use wasmill_plugin_order::domain::{Order, PayStatus, Status};
use wasmill_sdk::HalfState;

use crate::provider::Fate;
use crate::world::World;
use crate::{books, customers, requests};

/// A shop with an order that can be paid; none if this seed's customer cannot have one.
fn confirmed(seed: u64) -> Option<World> {
    let mut world = World::new(seed);
    world.faulty = false;
    world.provider.faulty = false;
    customers::open_shop(&mut world);
    while world.step() {}
    customers::place(&mut world, 0);
    while world.step() {}
    let order: Order = world.load("order", "order0", "order")?;
    (order.status == Status::Confirmed && order.pay_status == PayStatus::Unpaid).then_some(world)
}

/// Pays the order, with a payment handler that dies at its call of the host of this number; false
/// if there are not as many.
fn pay_and_die(mut world: World, nth: u32) -> bool {
    world.dies_in = Some(nth);
    requests::pay(&mut world, "order0", None);
    world.settle();
    let died = world.dies_in.is_none();
    books::close(&world);

    assert_eq!(world.provider.charges.len(), 1, "one charge");
    let open = world.halves.values();
    let open = open.filter(|half| half.state == HalfState::Prepared);
    assert_eq!(open.count(), 0, "every half message is settled");
    let committed = |state: &&HalfState| **state == HalfState::Committed;
    assert_eq!(world.decided.iter().filter(committed).count(), 1);
    let order: Order = world.load("order", "order0", "order").expect("the order");
    let charge = world.provider.charges.values().next().expect("one charge");
    let paid = order.pay_status == PayStatus::Paid;
    assert_eq!(paid, charge.fate == Fate::Charged, "{:?}", charge.fate);
    died
}

#[test]
fn a_payment_handler_that_dies_at_any_call_of_the_host_charges_once() {
    let seeds = (0..).filter(|seed| {
        let Some(mut world) = confirmed(*seed) else {
            return false;
        };
        requests::pay(&mut world, "order0", None);
        world.settle();
        let mut charges = world.provider.charges.values();
        charges.any(|charge| charge.fate == Fate::Charged)
    });
    for seed in seeds.take(3) {
        let run = |nth: &u32| pay_and_die(confirmed(seed).expect("as before"), *nth);
        let deaths = (0..).take_while(run).count();
        assert!(deaths > 10, "only {deaths} calls of the host");
    }
}
