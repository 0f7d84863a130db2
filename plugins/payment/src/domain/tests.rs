//! A payment hears everything in any order, and more than once.

use super::*;

const DEADLINE: u64 = 1_000_000;

fn asked() -> Payment {
    request("p1".to_owned(), "o1".to_owned()).payment
}

fn charging() -> Payment {
    after(approved(asked(), 1_800, DEADLINE, 0))
}

fn after(decision: Option<Decision>) -> Payment {
    decision.expect("the payment listens").payment
}

fn charged() -> Payment {
    after(called_back(charging(), true, 1_800))
}

#[test]
fn a_success_is_offered_to_the_order_once() {
    let decision = called_back(charging(), true, 1_800).expect("news");
    assert_eq!(
        decision.effects,
        [Effect::StopPolling, Effect::OfferToOrder(1_800)]
    );
    assert_eq!(
        decision.payment.view().state,
        PaymentState::Pending,
        "the order decides"
    );
    assert_eq!(called_back(decision.payment, true, 1_800), None);
}

#[test]
fn a_repeated_callback_changes_nothing_after_the_outcome() {
    let succeeded = after(accepted(charged()));
    assert_eq!(called_back(succeeded.clone(), true, 1_800), None);
    assert_eq!(called_back(succeeded.clone(), false, 1_800), None);
    assert_eq!(accepted(succeeded), None);
}

#[test]
fn a_late_failure_does_not_undo_a_success_but_a_late_success_is_heard() {
    assert_eq!(called_back(charged(), false, 1_800), None);
    let failed = after(called_back(charging(), false, 1_800));
    assert_eq!(failed.view().state, PaymentState::Failed);
    assert_eq!(after(called_back(failed, true, 1_800)).charged, Some(1_800));
}

#[test]
fn what_the_order_does_not_take_is_given_back_once() {
    let payment = after(called_back(charging(), true, 1_799));
    assert_eq!(
        to_refund(&payment),
        Some(1_799),
        "what was charged, not what was asked"
    );
    let refunded = refunded(payment, Some("wrong".to_owned())).payment;
    assert_eq!(refunded.view().state, PaymentState::Refunded);
    assert_eq!(to_refund(&refunded), None);
}

#[test]
fn what_the_order_took_and_the_seller_returns_is_given_back_once() {
    let succeeded = after(accepted(charged()));
    assert_eq!(to_refund(&succeeded), Some(1_800));
    let returned = refunded(succeeded, None).payment;
    assert_eq!(to_refund(&returned), None);
    assert_eq!(called_back(returned, true, 1_800), None);
}

#[test]
fn a_refund_that_overtakes_the_orders_word_is_final() {
    let returned = refunded(charged(), None).payment;
    assert_eq!(accepted(returned), None, "it stays refunded");
}

#[test]
fn a_payment_of_nothing_has_nothing_to_give_back() {
    let free = after(approved(asked(), 0, DEADLINE, 0));
    assert_eq!(free.view().state, PaymentState::Succeeded);
    assert_eq!(to_refund(&free), None);
}

#[test]
fn an_answer_without_an_amount_waits_for_the_callback_that_has_one() {
    let mut payment = charging();
    for _ in 0..POLLS_BEFORE_BELIEVED {
        payment = after(on_charge(payment, Charge::Succeeded(None), 0, 100));
        assert!(payment.awaits_provider());
    }
    let payment = after(on_charge(payment, Charge::Succeeded(None), 0, 100));
    assert_eq!(payment.charged, Some(1_800));
    let named = after(on_charge(charging(), Charge::Succeeded(Some(1)), 0, 100));
    assert_eq!(named.charged, Some(1));
}

#[test]
fn the_provider_is_asked_until_and_after_the_deadline_but_not_for_ever() {
    let (mut payment, mut now, mut times) = (charging(), 0, Vec::new());
    while let Some(decision) = on_charge(payment.clone(), Charge::Pending, now, 5_000) {
        let [Effect::PollAt(at)] = decision.effects[..] else {
            panic!("{decision:?}")
        };
        assert!(at > now, "time goes on");
        (payment, now) = (decision.payment, at);
        times.push(at);
    }
    assert_eq!(times[..3], [5_000, 15_000, 35_000]);
    assert!(
        times.contains(&DEADLINE),
        "when it has passed, the order is free"
    );
    assert_eq!(times.len(), POLLS_MAX as usize);
}

#[test]
fn an_approval_that_comes_too_late_frees_the_order() {
    let refused = after(denied(asked(), Some("the order is unconfirmed".to_owned())));
    let decision = approved(refused, 1_800, DEADLINE, 0).expect("the order waits");
    assert_eq!(decision.effects, [Effect::FreeOrder]);
    assert_eq!(decision.payment.view().state, PaymentState::Refused);
    assert_eq!(approved(charged(), 1_800, DEADLINE, 0), None);
}

#[test]
fn the_provider_is_asked_only_once_the_payment_is_durable() {
    let decision = approved(asked(), 1_800, DEADLINE, 7).expect("news");
    assert_eq!(decision.effects, [Effect::PollAt(7)]);
    assert!(decision.payment.awaits_provider());
    let late_refusal = denied(decision.payment, Some("the order is invalid".to_owned()));
    assert_eq!(late_refusal, None, "a charge may be under way");
}
