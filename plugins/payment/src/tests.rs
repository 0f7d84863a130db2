//! What the provider is asked, and when, over a host of a few maps.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use wasmill_plugin_kit::messages::{PaymentState, PaymentView, topic};
use wasmill_plugin_kit::{
    Error, Failure, HalfState, Host, Http, HttpAnswer, HttpRequest, Level, Message, Outgoing,
    Transactional,
};

use crate::domain::Payment;
use crate::effects::STATE;
use crate::handle;

const DEADLINE: u64 = 1_000_000;

/// A host, and a provider that knows of the charge or not.
#[derive(Default)]
struct World {
    now: u64,
    state: BTreeMap<String, Vec<u8>>,
    sent: Vec<String>,
    /// What the provider says of the charge; nothing if it never heard of it.
    charge: Option<&'static str>,
    /// The charges that it was asked to begin.
    begun: u32,
    /// Whether there is a half message.
    half: bool,
}

impl World {
    /// A payment that the order has approved, and nobody has charged.
    fn approved() -> Self {
        let mut world = Self::default();
        let pay = json!({ "payment_id": "p1", "order_id": "o1" });
        world.hears(topic::PAYMENT_REQUESTED, &pay);
        let approved = json!({ "payment_id": "p1", "amount": 1_800, "deadline": DEADLINE });
        world.hears(topic::PAYMENT_APPROVED, &approved);
        world
    }

    fn hears(&mut self, topic: &str, body: &Value) {
        let message = Message {
            topic: topic.to_owned(),
            subscription: topic.to_owned(),
            key: Some("p1".to_owned()),
            tag: None,
            headers: Vec::new(),
            body: body.to_string().into_bytes(),
            produced_at: self.now,
            attempt: 1,
            correlation: "1".to_owned(),
            causation: None,
            id: "1".to_owned(),
        };
        let handled: Result<(), Failure> = handle(self, &message);
        handled.unwrap_or_else(|failure| panic!("{topic}: {failure:?}"));
    }

    fn polls_at(&mut self, now: u64) {
        self.now = now;
        self.hears(topic::PAYMENT_POLL, &json!({}));
    }

    fn payment(&mut self) -> PaymentView {
        let payment: Option<Payment> = self.load(STATE).expect("readable");
        payment.expect("a payment").view()
    }

    fn has_failed_by_the_deadline(&mut self) -> bool {
        let payment = self.payment();
        payment.state == PaymentState::Failed && payment.cause.as_deref() == Some("deadline passed")
    }
}

impl Host for World {
    fn now(&self) -> u64 {
        self.now
    }

    fn config(&self, name: &str) -> Option<String> {
        name.ends_with("_url").then(|| "http://provider".to_owned())
    }

    fn random_id(&mut self) -> String {
        "1".to_owned()
    }

    fn log(&mut self, _level: Level, _line: &str) {}

    fn get(&mut self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.state.get(name).cloned())
    }

    fn put(&mut self, name: &str, value: &[u8]) -> Result<(), Error> {
        self.state.insert(name.to_owned(), value.to_vec());
        Ok(())
    }

    fn send_message(&mut self, message: Outgoing) -> Result<(), Error> {
        self.sent.push(message.topic);
        Ok(())
    }

    fn set_timer(&mut self, _name: &str, _at: u64, _topic: &str) -> Result<(), Error> {
        Ok(())
    }

    fn cancel_timer(&mut self, _name: &str) -> Result<(), Error> {
        Ok(())
    }
}

impl Transactional for World {
    fn prepare(&mut self, _name: &str, _message: Outgoing) -> Result<HalfState, Error> {
        self.half = true;
        Ok(HalfState::Prepared)
    }

    fn commit(&mut self, _name: &str) -> Result<HalfState, Error> {
        assert!(std::mem::take(&mut self.half), "prepared before");
        Ok(HalfState::Committed)
    }

    fn roll_back(&mut self, _name: &str) -> Result<HalfState, Error> {
        assert!(std::mem::take(&mut self.half), "prepared before");
        Ok(HalfState::RolledBack)
    }
}

impl Http for World {
    fn fetch(&mut self, request: HttpRequest<'_>) -> Result<HttpAnswer, String> {
        if request.post.is_some() {
            assert!(self.half, "a charge is begun inside a half message");
            self.begun += 1;
            return Err("connection reset".to_owned());
        }
        let (status, state) = match self.charge {
            Some(state) => (200, state),
            None => (404, "unknown"),
        };
        let body = json!({ "state": state, "amount": 1_800 }).to_string();
        Ok(HttpAnswer {
            status,
            body: body.into_bytes(),
        })
    }
}

#[test]
fn a_charge_that_never_reached_the_provider_is_begun_again_until_the_deadline() {
    let mut world = World::approved();
    world.polls_at(0);
    world.polls_at(DEADLINE - 1);
    assert_eq!(world.begun, 2);
    world.polls_at(DEADLINE);
    assert_eq!(world.begun, 2, "none is begun too late");
    assert!(world.has_failed_by_the_deadline());
    assert_eq!(world.sent.last().expect("news"), topic::PAYMENT_FAILED);
}

#[test]
fn a_first_question_after_the_deadline_begins_no_charge() {
    let mut world = World::approved();
    world.polls_at(DEADLINE + 1);
    assert_eq!(world.begun, 0);
    assert!(world.has_failed_by_the_deadline());
}

#[test]
fn a_charge_begun_by_a_handler_that_failed_is_found_after_the_deadline() {
    let mut world = World::approved();
    world.charge = Some("succeeded");
    world.polls_at(DEADLINE + 1);
    assert_eq!(world.begun, 0);
    assert_eq!(world.sent.last().expect("an offer"), topic::PAYMENT_CHARGED);
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
    assert_eq!(world.sent.last().expect("an offer"), topic::PAYMENT_CHARGED);
}
