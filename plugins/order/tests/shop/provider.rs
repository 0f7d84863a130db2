//! A payment provider that speaks the protocol and fails on purpose: answers that get lost before
//! or after the charge, charges that fail or take a wrong amount, callbacks that come late, twice,
//! in any order, or not at all; or one that does as a test says.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use wasmill_sdk::http::{Answer, Error, Request};

/// What the provider did with one charge.
#[derive(Clone, Hash)]
pub(crate) struct Charge {
    /// What it was asked for.
    asked: u64,
    pub(crate) fate: Fate,
    /// Whether it has come about; before, the charge is pending.
    pub(crate) decided: bool,
    /// Callbacks still to be sent.
    callbacks: u32,
    /// Callbacks sent.
    told: u32,
}

/// What a charge comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Fate {
    Charged,
    /// One more than was asked for. Only the callback tells, since answers carry no amount.
    WrongAmount,
    Fails,
    /// The first callback says that it failed, the second that it did not.
    FailsAtFirst,
    NeverDecided,
}

/// Who decides about charges, and which requests get lost.
#[derive(Clone)]
enum Temper {
    /// Chance.
    Moody(Box<StdRng>),
    /// The test.
    Scripted(Script),
}

/// What the provider does with every charge.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Script {
    pub(crate) fate: Fate,
    /// Whether it has come about when the charge is answered.
    pub(crate) at_once: bool,
    pub(crate) callbacks: u32,
}

/// What becomes of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    /// It never comes.
    Request,
    /// It is done, and its answer never comes.
    Answer,
}

/// The provider's books.
#[derive(Clone)]
pub(crate) struct Provider {
    temper: Temper,
    /// Off while the world settles, so that it does.
    pub(crate) faulty: bool,
    /// What becomes of the next request, if not the usual.
    pub(crate) loses: Option<Lost>,
    pub(crate) charges: BTreeMap<String, Charge>,
    /// By refund id: payment and amount.
    pub(crate) refunds: BTreeMap<String, (String, u64)>,
}

impl Provider {
    pub(crate) fn new(seed: u64) -> Self {
        Self::with(Temper::Moody(Box::new(StdRng::seed_from_u64(seed))))
    }

    /// A provider that does as it is told.
    pub(crate) fn scripted(script: Script) -> Self {
        Self::with(Temper::Scripted(script))
    }

    fn with(temper: Temper) -> Self {
        Self {
            temper,
            faulty: true,
            loses: None,
            charges: BTreeMap::new(),
            refunds: BTreeMap::new(),
        }
    }

    pub(crate) fn fetch(&mut self, request: &Request) -> Result<Answer, Error> {
        if self.loses(Lost::Request) {
            return Err(Error::new("connection refused"));
        }
        let path = request
            .url
            .strip_prefix("http://127.0.0.1:18080")
            .expect("the provider's host");
        let key = request.header("idempotency-key");
        let body = (request.method == "POST")
            .then(|| serde_json::from_slice(&request.body).expect("JSON"));
        let answer = match (path, body) {
            ("/charges", Some(body)) => self.charge(&body, key),
            ("/refunds", Some(body)) => self.refund(&body, key),
            (path, None) => self.look_up(path.strip_prefix("/charges/").expect("a charge")),
            (path, _) => panic!("the provider has no {path}"),
        };
        if self.loses(Lost::Answer) {
            Err(Error::new("connection reset"))
        } else {
            Ok(answer)
        }
    }

    /// Payments whose charge is pending, and will be decided.
    pub(crate) fn pending(&self) -> impl Iterator<Item = &String> {
        let pending = |charge: &Charge| !charge.decided && charge.fate != Fate::NeverDecided;
        let pending = self.charges.iter().filter(move |(_, it)| pending(it));
        pending.map(|(payment_id, _)| payment_id)
    }

    /// Decides about a payment's charge.
    pub(crate) fn decide(&mut self, payment_id: &str) {
        let charge = self.charges.get_mut(payment_id);
        charge.expect("a charge that is pending").decided = true;
    }

    /// Payments about which the provider will call back, now that they are decided.
    pub(crate) fn to_call_back(&self) -> impl Iterator<Item = &String> {
        let open = |charge: &Charge| charge.decided && charge.callbacks > 0;
        let open = self.charges.iter().filter(move |(_, it)| open(it));
        open.map(|(payment_id, _)| payment_id)
    }

    /// The body of a payment's next callback.
    pub(crate) fn call_back(&mut self, payment_id: &str) -> Vec<u8> {
        let charge = self.charges.get_mut(payment_id).expect("a charge");
        charge.callbacks -= 1;
        charge.told += 1;
        let state = if charge.has_failed() {
            "failed"
        } else {
            "succeeded"
        };
        let body = json!({
            "payment_id": payment_id, "charge_id": format!("ch-{payment_id}"),
            "state": state, "amount": charge.taken().max(1), "livemode": false,
        });
        body.to_string().into_bytes()
    }

    fn charge(&mut self, body: &Value, key: Option<&str>) -> Answer {
        let payment_id = body["payment_id"].as_str().expect("a payment id");
        assert_eq!(
            key,
            Some(payment_id),
            "a charge is idempotent by its payment"
        );
        assert!(body["callback_url"].is_string() && body["order_id"].is_string());
        if !self.charges.contains_key(payment_id) {
            let asked = body["amount"].as_u64().expect("an amount");
            assert!(asked > 0, "nothing to charge");
            let Script {
                fate,
                at_once: decided,
                callbacks,
            } = self.temper.script();
            let charge = Charge {
                asked,
                fate,
                decided,
                callbacks,
                told: 0,
            };
            self.charges.insert(payment_id.to_owned(), charge);
        }
        self.look_up(payment_id)
    }

    fn look_up(&self, payment_id: &str) -> Answer {
        let Some(charge) = self.charges.get(payment_id) else {
            return Answer::new(404, "{}");
        };
        let state = match charge.fate {
            _ if !charge.decided => "pending",
            Fate::WrongAmount if charge.told == 0 => "pending",
            _ if charge.has_failed() => "failed",
            _ => "succeeded",
        };
        let mut body = json!({ "charge_id": "ch", "payment_id": payment_id, "state": state });
        if charge.fate == Fate::WrongAmount && charge.told > 0 {
            body["amount"] = charge.taken().into();
        }
        Answer::new(200, body.to_string())
    }

    fn refund(&mut self, body: &Value, key: Option<&str>) -> Answer {
        let refund_id = body["refund_id"].as_str().expect("a refund id");
        assert_eq!(key, Some(refund_id), "a refund is idempotent by its id");
        let payment_id = body["payment_id"]
            .as_str()
            .expect("a payment id")
            .to_owned();
        let taken = self.charges.get(&payment_id).map_or(0, Charge::taken);
        let refund = (payment_id, body["amount"].as_u64().expect("an amount"));
        assert_eq!(refund.1, taken, "all of it goes back");
        let known = self
            .refunds
            .entry(refund_id.to_owned())
            .or_insert_with(|| refund.clone());
        assert_eq!(*known, refund, "the same refund again is the same");
        let answer = json!({ "refund_id": refund_id, "state": "succeeded" });
        Answer::new(200, answer.to_string())
    }

    fn loses(&mut self, what: Lost) -> bool {
        let chance = match &mut self.temper {
            Temper::Moody(random) => self.faulty && random.random_bool(0.15),
            Temper::Scripted(_) => false,
        };
        chance || self.loses.take_if(|it| *it == what).is_some()
    }
}

impl Temper {
    /// For a new charge.
    fn script(&mut self) -> Script {
        let random = match self {
            Self::Moody(random) => random,
            Self::Scripted(script) => return *script,
        };
        let fate = match random.random_range(0..12) {
            0 => Fate::WrongAmount,
            1 => Fate::Fails,
            2 | 3 => Fate::FailsAtFirst,
            4 => Fate::NeverDecided,
            _ => Fate::Charged,
        };
        let least = match fate {
            // What is never called back could never be known.
            Fate::WrongAmount => 1,
            Fate::FailsAtFirst => 2,
            Fate::Charged | Fate::Fails | Fate::NeverDecided => 0,
        };
        Script {
            fate,
            callbacks: random.random_range(least..4),
            at_once: fate != Fate::NeverDecided && random.random_bool(0.3),
        }
    }
}

impl Charge {
    /// What the customer has paid for it, refunds aside.
    pub(crate) fn taken(&self) -> u64 {
        match self.fate {
            _ if !self.decided || self.has_failed() => 0,
            Fate::WrongAmount => self.asked + 1,
            _ => self.asked,
        }
    }

    fn has_failed(&self) -> bool {
        self.fate == Fate::Fails || self.fate == Fate::FailsAtFirst && self.told < 2
    }
}
