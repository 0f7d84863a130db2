//! The seller finishes and refunds: what was sold only, and once.

use super::*;

/// Paid by `p1`.
fn paid() -> Order {
    after(charged(Some(paying()), "p1", 1_800)).0
}

/// Paid by the coupon.
fn paid_for_free() -> Order {
    let (order, _) = after(on_stock(new_order(&[("a", 1)]), "a", Ok(2_000), NOW));
    after(on_coupon(order, Ok(50_000), NOW)).0
}

fn refunding() -> Order {
    after(refund(Some(paid())).ok()).0
}

#[test]
fn only_a_paid_order_is_finished() {
    let (paid, _) = after(charged(Some(paying()), "p1", 1_800));
    let finished = finish(Some(paid)).expect("paid").order;
    assert_eq!(
        finished.as_ref().map(|order| order.status),
        Some(Status::Finished)
    );
    let again = finish(finished.clone()).expect("finished");
    assert_eq!(again.order, finished);
    assert_eq!(again.effects, [Effect::Announce(News::Unchanged)]);
    assert_eq!(finish(Some(confirmed())), Err(NotSold::NotPaid));
    assert_eq!(finish(None), Err(NotSold::Unknown));
}

#[test]
fn a_refund_returns_everything_and_is_done_when_the_money_is_back() {
    let (order, effects) = after(refund(Some(paid())).ok());
    let give_back = Effect::RefundPayment {
        payment_id: "p1".to_owned(),
        cause: "the seller refunds the order".to_owned(),
    };
    let expected = [
        release("a"),
        release_coupon(),
        Effect::CreditBalance,
        Effect::RevokePoints,
        give_back,
    ];
    assert_eq!(effects, expected);
    assert_eq!(
        (order.status, order.pay_status),
        (Status::Refunded, PayStatus::Paid)
    );
    assert_eq!(money_returned(order.clone(), "p2"), None, "another payment");
    let (order, effects) = after(money_returned(order, "p1"));
    assert_eq!(order.pay_status, PayStatus::Refunded);
    assert_eq!(effects, [Effect::Announce(News::Refunded)]);
    assert_eq!(money_returned(order, "p1"), None);
}

#[test]
fn a_repeated_refund_changes_nothing_whether_or_not_the_money_is_back() {
    let returned = after(money_returned(refunding(), "p1")).0;
    for order in [refunding(), returned] {
        let again = refund(Some(order.clone())).expect("refunded before");
        assert_eq!(again.order, Some(order));
        assert_eq!(again.effects, [Effect::Announce(News::Unchanged)]);
    }
}

#[test]
fn a_finished_order_is_refunded_and_a_refunded_one_is_not_finished() {
    let (finished, _) = after(finish(Some(paid())).ok());
    let (refunded, _) = after(refund(Some(finished)).ok());
    assert_eq!(refunded.status, Status::Refunded);
    assert_eq!(
        finish(Some(refunded)),
        Err(NotSold::NotConfirmed("refunded"))
    );
}

#[test]
fn an_order_that_nobody_paid_for_is_not_refunded() {
    let (invalid, _) = after(due(paying(), NOW + TERMS.payment_deadline));
    let refused = Err("out of stock".to_owned());
    let (cancelled, _) = after(on_stock(new_order(&[("a", 1)]), "a", refused, NOW));
    let cases = [
        (None, "unknown order"),
        (Some(new_order(&[("a", 1)])), "the order is unconfirmed"),
        (Some(cancelled), "the order is cancelled"),
        (Some(invalid), "the order is invalid"),
        (Some(confirmed()), "the order is not paid"),
        (Some(paying()), "the order is not paid"),
    ];
    for (order, cause) in cases {
        let refused = refund(order).expect_err(cause);
        assert_eq!(refused.to_string(), cause);
    }
}

#[test]
fn an_order_paid_by_coupon_and_balance_is_refunded_without_the_provider() {
    let unasked = paid_for_free();
    let asked = pay(Some(paid_for_free()), "p1", NOW).expect("its one payment");
    for order in [Some(unasked), asked.order] {
        let (order, effects) = after(refund(order).ok());
        assert_eq!(order.pay_status, PayStatus::Refunded);
        let told = Effect::Announce(News::Refunded);
        let expected = [release("a"), release_coupon(), Effect::RevokePoints, told];
        assert_eq!(effects, expected);
    }
}

#[test]
fn money_that_comes_for_a_refunded_order_goes_back_but_not_the_same_twice() {
    for order in [refunding(), after(money_returned(refunding(), "p1")).0] {
        assert_eq!(charged(Some(order.clone()), "p1", 1_800), None);
        assert_eq!(
            refund_cause(charged(Some(order), "p2", 1_800)),
            "the order is refunded"
        );
    }
}

#[test]
fn a_refunded_order_is_deaf_to_its_deadline_and_to_payments() {
    let order = refunding();
    assert_eq!(due(order.clone(), NOW + TERMS.payment_deadline), None);
    assert_eq!(not_charged(order.clone(), "p1"), None);
    assert_eq!(
        pay(Some(order), "p2", NOW),
        Err(Denied::NotConfirmed("refunded"))
    );
}
