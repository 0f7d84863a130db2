//! What the provider is asked, and when.

use std::cell::Cell;
use std::rc::Rc;

use serde_json::{Value, json};
use wasmill_plugin_kit::messages::{PaymentState, PaymentView, topic};
use wasmill_sdk::HalfState;
use wasmill_sdk::http::{Answer, Error, Request};
use wasmill_sdk::testing::TestHost;

use crate::domain::Payment;
use crate::effects::STATE;
use crate::handle;

const DEADLINE: u64 = 1_000_000;

/// What the provider says of the charge; nothing if it never heard of it.
type Charge = Rc<Cell<Option<&'static str>>>;

/// A host, and a provider that knows of the charge or not.
struct World {
    host: TestHost,
    charge: Charge,
}

impl World {
    /// A payment that the order has approved, and nobody has charged.
    fn approved() -> Self {
        let charge = Charge::default();
        let provider = charge.clone();
        let mut host = TestHost::new()
            .with_config("provider_url", "http://provider")
            .with_config("callback_url", "http://shop")
            .with_http(move |request| answer(request, provider.get()));
        host.set_now(0);
        let mut world = Self { host, charge };
        let pay = json!({ "payment_id": "p1", "order_id": "o1" });
        world.hears(topic::PAYMENT_REQUESTED, &pay);
        let approved = json!({ "payment_id": "p1", "amount": 1_800, "deadline": DEADLINE });
        world.hears(topic::PAYMENT_APPROVED, &approved);
        world
    }

    fn hears(&mut self, topic: &str, body: &Value) {
        let handled = self.host.deliver(handle, topic, "p1", body.to_string());
        handled.unwrap_or_else(|failure| panic!("{topic}: {failure}"));
    }

    fn polls_at(&mut self, now: u64) {
        self.host.set_now(now);
        self.hears(topic::PAYMENT_POLL, &json!({}));
    }

    /// The charges that the provider was asked to begin.
    fn begun(&self) -> usize {
        let requests = self.host.requests().iter();
        requests.filter(|it| it.method == "POST").count()
    }

    fn half(&self) -> Option<HalfState> {
        self.host.scope("p1").half("opened")
    }

    fn has_sent(&self, topic: &str) -> bool {
        self.host.sent().iter().any(|sent| sent.topic == topic)
    }

    fn payment(&self) -> PaymentView {
        let payment: Option<Payment> = self.host.scope("p1").load(STATE).expect("readable");
        payment.expect("a payment").view()
    }

    fn has_failed_by_the_deadline(&self) -> bool {
        let payment = self.payment();
        payment.state == PaymentState::Failed && payment.cause.as_deref() == Some("deadline passed")
    }
}

/// Requests to begin a charge get lost.
fn answer(request: &Request, charge: Option<&str>) -> Result<Answer, Error> {
    if request.method == "POST" {
        return Err(Error::new("connection reset"));
    }
    let status = if charge.is_some() { 200 } else { 404 };
    let body = json!({ "state": charge, "amount": 1_800 });
    Ok(Answer::new(status, body.to_string()))
}

#[test]
fn a_charge_that_never_reached_the_provider_is_begun_again_until_the_deadline() {
    let mut world = World::approved();
    world.polls_at(0);
    world.polls_at(DEADLINE - 1);
    assert_eq!(world.begun(), 2);
    assert_eq!(
        world.half(),
        Some(HalfState::Prepared),
        "whose answer is not known"
    );
    world.polls_at(DEADLINE);
    assert_eq!(world.begun(), 2, "none is begun too late");
    assert!(world.has_failed_by_the_deadline());
    assert!(world.has_sent(topic::PAYMENT_FAILED));
}

#[test]
fn a_first_question_after_the_deadline_begins_no_charge() {
    let mut world = World::approved();
    world.polls_at(DEADLINE + 1);
    assert_eq!(world.begun(), 0);
    assert!(world.has_failed_by_the_deadline());
}

#[test]
fn a_charge_begun_by_a_handler_that_failed_is_found_after_the_deadline() {
    let mut world = World::approved();
    world.charge.set(Some("succeeded"));
    world.polls_at(DEADLINE + 1);
    assert_eq!(world.begun(), 0);
    assert!(world.has_sent(topic::PAYMENT_CHARGED));
}

#[test]
fn a_callback_is_heard_after_the_deadline() {
    let mut world = World::approved();
    world.polls_at(DEADLINE);
    assert!(world.has_failed_by_the_deadline());
    let callback = json!({ "payment_id": "p1", "succeeded": true, "amount": 1_800 });
    world.hears(topic::PAYMENT_CALLBACK, &callback);
    assert_eq!(
        world.payment().state,
        PaymentState::Pending,
        "the order decides"
    );
    assert!(world.has_sent(topic::PAYMENT_CHARGED));
}
