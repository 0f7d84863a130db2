//! What goes wrong in tutorial shops, and must not here: each a test of the rules alone.

mod seller;

use wasmill_plugin_kit::messages::{Item, Placed};

use super::*;

const NOW: u64 = 1_000;
const TERMS: Terms = Terms {
    saga_timeout: 120_000,
    payment_deadline: 1_800_000,
    shipping_fee: 1_000,
    free_shipping_above: 10_000,
};

fn placed(items: &[(&str, u64)]) -> Placed {
    Placed {
        order_id: "o1".to_owned(),
        user_id: "ann".to_owned(),
        items: items
            .iter()
            .map(|(sku, quantity)| Item {
                sku: (*sku).to_owned(),
                quantity: *quantity,
            })
            .collect(),
        coupon_id: Some("c1".to_owned()),
        use_balance: true,
    }
}

fn new_order(items: &[(&str, u64)]) -> Order {
    place(placed(items), TERMS, NOW)
        .order
        .expect("a new order is saved")
}

fn after(decision: Option<Decision>) -> (Order, Vec<Effect>) {
    let decision = decision.expect("the order listens");
    (decision.order.expect("the order changes"), decision.effects)
}

/// One piece for 20.00, 5.00 by coupon, 7.00 by balance: 18.00 left with shipping.
fn confirmed() -> Order {
    let (order, _) = after(on_stock(new_order(&[("a", 1)]), "a", Ok(2_000), NOW));
    let (order, _) = after(on_coupon(order, Ok(500), NOW));
    after(on_balance(order, Ok(700), NOW)).0
}

fn paying() -> Order {
    pay(Some(confirmed()), "p1", NOW)
        .expect("payable")
        .order
        .expect("remembers the payment")
}

fn release(sku: &str) -> Effect {
    Effect::ReleaseStock {
        sku: sku.to_owned(),
    }
}

fn release_coupon() -> Effect {
    Effect::ReleaseCoupon {
        coupon_id: "c1".to_owned(),
    }
}

fn refund_cause(decision: Option<Decision>) -> String {
    match decision.expect("money has come").effects.as_slice() {
        [Effect::RefundPayment { cause, .. }] => cause.clone(),
        other => panic!("not refunded: {other:?}"),
    }
}

#[test]
fn items_of_the_same_sku_are_one_reservation() {
    let decision = place(placed(&[("a", 1), ("b", 1), ("a", 2)]), TERMS, NOW);
    let reserve = |sku: &str, quantity| Effect::ReserveStock {
        sku: sku.to_owned(),
        quantity,
    };
    let wake = Effect::WakeAt(NOW + TERMS.saga_timeout);
    assert_eq!(decision.effects, [reserve("a", 3), reserve("b", 1), wake]);
}

#[test]
fn the_shipping_fee_is_charged_and_free_above_the_limit_only() {
    let amounts = |price| {
        let placed = Placed {
            coupon_id: None,
            use_balance: false,
            ..placed(&[("a", 1)])
        };
        let order = place(placed, TERMS, NOW).order.expect("saved");
        after(on_stock(order, "a", Ok(price), NOW)).0.amounts
    };
    assert_eq!(
        (amounts(9_999).shipping_fee, amounts(9_999).pay_amount),
        (1_000, 10_999)
    );
    assert_eq!(
        (amounts(10_000).shipping_fee, amounts(10_000).pay_amount),
        (1_000, 11_000)
    );
    assert_eq!(
        (amounts(10_001).shipping_fee, amounts(10_001).pay_amount),
        (0, 10_001)
    );
}

#[test]
fn coupon_comes_before_balance_and_the_amounts_add_up() {
    let (order, effects) = after(on_stock(new_order(&[("a", 2)]), "a", Ok(1_000), NOW));
    let ask = Effect::UseCoupon {
        coupon_id: "c1".to_owned(),
        goods_amount: 2_000,
    };
    assert_eq!(effects, [ask]);
    let (order, effects) = after(on_coupon(order, Ok(500), NOW));
    assert_eq!(effects, [Effect::DebitBalance { at_most: 2_500 }]);
    let (order, effects) = after(on_balance(order, Ok(700), NOW));
    assert_eq!(order.amounts.pay_amount, 1_800);
    let deadline = NOW + TERMS.payment_deadline;
    assert_eq!(
        effects,
        [Effect::WakeAt(deadline), Effect::Announce(News::Confirmed)]
    );
}

#[test]
fn a_coupon_worth_more_than_the_order_leaves_nothing_to_pay_and_nothing_to_debit() {
    let (order, _) = after(on_stock(new_order(&[("a", 1)]), "a", Ok(2_000), NOW));
    let (order, effects) = after(on_coupon(order, Ok(50_000), NOW));
    assert_eq!(
        (order.amounts.coupon_amount, order.amounts.pay_amount),
        (3_000, 0)
    );
    assert_eq!(order.pay_status, PayStatus::Paid);
    let news = [
        Effect::Announce(News::Confirmed),
        Effect::Announce(News::Paid),
    ];
    assert_eq!(effects, [&[Effect::LetSleep][..], &news].concat());
}

#[test]
fn a_refused_sku_returns_the_others_answered_or_not_and_never_itself() {
    let order = new_order(&[("a", 1), ("b", 1), ("c", 1)]);
    let (order, _) = after(on_stock(order, "a", Ok(100), NOW));
    let (order, effects) = after(on_stock(order, "b", Err("out of stock".to_owned()), NOW));
    let told = Effect::Announce(News::Cancelled);
    assert_eq!(
        effects,
        [release("a"), release("c"), Effect::LetSleep, told]
    );
    assert_eq!(order.cause.as_deref(), Some("out of stock: b"));
    assert_eq!(
        on_stock(order, "c", Ok(100), NOW),
        None,
        "a late answer changes nothing"
    );
}

#[test]
fn a_refused_coupon_is_not_returned() {
    let (order, _) = after(on_stock(new_order(&[("a", 1)]), "a", Ok(2_000), NOW));
    let (_, effects) = after(on_coupon(order, Err("coupon expired".to_owned()), NOW));
    let told = Effect::Announce(News::Cancelled);
    assert_eq!(effects, [release("a"), Effect::LetSleep, told]);
}

#[test]
fn a_refused_balance_returns_stock_and_coupon() {
    let (order, _) = after(on_stock(new_order(&[("a", 1)]), "a", Ok(2_000), NOW));
    let (order, _) = after(on_coupon(order, Ok(500), NOW));
    let (_, effects) = after(on_balance(order, Err("unknown user".to_owned()), NOW));
    let told = Effect::Announce(News::Cancelled);
    assert_eq!(
        effects,
        [release("a"), release_coupon(), Effect::LetSleep, told]
    );
}

#[test]
fn a_step_that_does_not_answer_counts_as_refused_and_is_undone() {
    let (order, _) = after(on_stock(new_order(&[("a", 1)]), "a", Ok(2_000), NOW));
    let (order, effects) = after(due(order, NOW + TERMS.saga_timeout));
    let told = Effect::Announce(News::Cancelled);
    assert_eq!(
        effects,
        [release("a"), release_coupon(), Effect::LetSleep, told]
    );
    assert_eq!(
        on_coupon(order, Ok(500), NOW),
        None,
        "a late answer changes nothing"
    );
}

#[test]
fn each_step_has_the_whole_timeout() {
    let (order, _) = after(on_stock(
        new_order(&[("a", 1)]),
        "a",
        Ok(2_000),
        NOW + 50_000,
    ));
    let decision = due(order, NOW + TERMS.saga_timeout).expect("looks at the step's own start");
    assert_eq!(decision.order, None);
    assert_eq!(
        decision.effects,
        [Effect::WakeAt(NOW + 50_000 + TERMS.saga_timeout)]
    );
}

#[test]
fn a_repeated_answer_changes_nothing() {
    let (order, _) = after(on_stock(
        new_order(&[("a", 1), ("b", 1)]),
        "a",
        Ok(100),
        NOW,
    ));
    assert_eq!(on_stock(order.clone(), "a", Ok(100), NOW), None);
    assert_eq!(on_stock(order, "never ordered", Ok(100), NOW), None);
    assert_eq!(on_balance(confirmed(), Ok(700), NOW), None);
}

#[test]
fn an_unpaid_order_becomes_invalid_and_returns_everything_once() {
    let deadline = NOW + TERMS.payment_deadline;
    let (order, effects) = after(due(confirmed(), deadline));
    let told = Effect::Announce(News::Invalid);
    assert_eq!(
        effects,
        [release("a"), release_coupon(), Effect::CreditBalance, told]
    );
    assert_eq!(order.status, Status::Invalid);
    assert_eq!(due(order, deadline + 1), None);
}

#[test]
fn paid_first_and_deadline_after_does_nothing() {
    let (order, effects) = after(charged(Some(paying()), "p1", 1_800));
    let accept = Effect::AcceptPayment {
        payment_id: "p1".to_owned(),
    };
    assert_eq!(
        effects,
        [Effect::LetSleep, accept, Effect::Announce(News::Paid)]
    );
    assert_eq!(due(order, NOW + TERMS.payment_deadline), None);
}

#[test]
fn deadline_first_and_payment_after_is_refunded_and_the_order_stays_invalid() {
    let (order, _) = after(due(paying(), NOW + TERMS.payment_deadline));
    assert_eq!(order.pay_status, PayStatus::Unpaid);
    let decision = charged(Some(order), "p1", 1_800);
    assert_eq!(decision.as_ref().expect("money has come").order, None);
    assert_eq!(refund_cause(decision), "the order is invalid");
}

#[test]
fn a_repeated_payment_changes_nothing_and_another_one_is_refunded() {
    let (order, _) = after(charged(Some(paying()), "p1", 1_800));
    assert_eq!(charged(Some(order.clone()), "p1", 1_800), None);
    assert_eq!(
        refund_cause(charged(Some(order), "p2", 1_800)),
        "the order is already paid"
    );
    assert_eq!(refund_cause(charged(None, "p2", 1_800)), "unknown order");
}

#[test]
fn a_wrong_amount_is_refunded_and_the_order_can_be_paid_again() {
    let decision = charged(Some(paying()), "p1", 1_799);
    let order = decision
        .clone()
        .and_then(|decision| decision.order)
        .expect("freed");
    assert_eq!(
        refund_cause(decision),
        "the amount charged is not the order's"
    );
    assert_eq!(order.pay_status, PayStatus::Unpaid);
    assert!(pay(Some(order), "p2", NOW).is_ok());
}

#[test]
fn an_order_has_one_open_payment_at_a_time() {
    assert!(
        pay(Some(paying()), "p1", NOW).is_ok(),
        "the open one may ask again"
    );
    assert_eq!(
        pay(Some(paying()), "p2", NOW),
        Err(Denied::AnotherOpen("p1".to_owned()))
    );
    let (freed, _) = after(not_charged(paying(), "p1"));
    assert!(pay(Some(freed), "p2", NOW).is_ok());
    assert_eq!(
        not_charged(paying(), "p2"),
        None,
        "only the open one frees it"
    );
}

#[test]
fn only_a_confirmed_unpaid_order_in_time_can_be_paid() {
    let (paid, _) = after(charged(Some(paying()), "p1", 1_800));
    let late = NOW + TERMS.payment_deadline;
    assert_eq!(pay(None, "p", NOW), Err(Denied::Unknown));
    assert_eq!(pay(Some(paid), "p2", NOW), Err(Denied::AlreadyPaid));
    assert_eq!(pay(Some(confirmed()), "p", late), Err(Denied::TooLate));
    let new = new_order(&[("a", 1)]);
    assert_eq!(
        pay(Some(new), "p", NOW),
        Err(Denied::NotConfirmed("unconfirmed"))
    );
}

#[test]
fn an_order_paid_by_coupon_and_balance_gives_one_payment_nothing_to_charge() {
    let (order, _) = after(on_stock(new_order(&[("a", 1)]), "a", Ok(2_000), NOW));
    let (order, _) = after(on_coupon(order, Ok(50_000), NOW));
    let decision = pay(Some(order), "p1", NOW).expect("its one payment");
    assert!(matches!(
        decision.effects[..],
        [Effect::ApprovePayment { amount: 0, .. }]
    ));
    assert_eq!(pay(decision.order, "p2", NOW), Err(Denied::AlreadyPaid));
}
