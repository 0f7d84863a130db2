//! Ferries: a topic that takes nothing in while as much is pending as may.
//!
//! Nothing comes in from outside where there is no room, nothing is refused where there is, and
//! what handlers send behind it waits in its place whether there is room or not.

use rand::Rng;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};
use wasmill_engine::{Accepted, Incoming, QuotaBound, Refused};
use wasmill_model::When;
use wasmill_model::effects::Failure;
use wasmill_model::routes::{Topic, TopicPattern};
use wasmill_port::Call;
use wasmill_port::call::Outgoing;

use crate::guest::{body, once};
use crate::host::{Dead, Host};
use crate::ledger::{Outbox, Parcel};
use crate::workload::{Draft, Workload, incoming, subscription};

/// The plugin that takes vehicles aboard.
pub(crate) const PLUGIN: &str = "ferry";
/// Its topic, and how much may be pending.
const TOPIC: &str = "vehicle";
const PENDING_MAX: u64 = 4;
/// The subscriptions, each of which must have room: the first sends the trailers in.
const SUBSCRIPTIONS: [&str; 2] = ["deck", "purser"];

/// A vehicle, or a trailer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Vehicle {
    id: u64,
    key: String,
    /// Whether a handler sends a trailer in after it.
    tows: bool,
    is_trailer: bool,
}

/// The ferry of a world.
#[derive(Debug, Default)]
pub(crate) struct Ferries {
    next_id: u64,
    outbox: Outbox<Vehicle>,
    /// Taken in, and not known to be handled with all that comes of it.
    open: Vec<Vehicle>,
}

impl Parcel for Vehicle {
    fn incoming(&self) -> Incoming {
        let body = serde_json::to_vec(self).expect("a vehicle").into();
        incoming(TOPIC, &self.key, self.id, body)
    }
}

impl Vehicle {
    fn trailer(&self) -> Self {
        Self {
            tows: false,
            is_trailer: true,
            ..self.clone()
        }
    }

    /// What a subscription's handler notes about it.
    fn mark(&self, subscription: &str) -> String {
        let Self { id, is_trailer, .. } = self;
        format!("{subscription}/{id}/{is_trailer}")
    }

    /// Which subscriptions' handlers have handled it.
    fn handled(&self, host: &Host) -> Result<[bool; 2], Dead> {
        let mut handled = [false; 2];
        for (nth, name) in SUBSCRIPTIONS.iter().enumerate() {
            let mark = host.state(PLUGIN, &self.key, &self.mark(name))?;
            handled[nth] = mark.is_some();
        }
        Ok(handled)
    }
}

/// Takes a vehicle aboard.
pub(crate) fn handle(call: &mut Call) -> Result<(), Failure> {
    let it: Vehicle = body(call);
    let subscription = call.delivery().subscription.clone();
    if subscription == *SUBSCRIPTIONS[0] && it.tows {
        let trailer = it.trailer();
        call.send(Outgoing {
            topic: TOPIC.into(),
            key: Some(it.key.as_str().into()),
            tag: None,
            headers: Vec::new(),
            body: serde_json::to_vec(&trailer).expect("a trailer").into(),
            when: When::Now,
        })?;
    }
    once(call, &it.mark(&subscription))
}

impl Ferries {
    fn think(&mut self, rng: &mut StdRng) {
        self.next_id += 1;
        self.outbox.push(Vehicle {
            id: self.next_id,
            key: format!("quay-{}", rng.random_range(0..3)),
            tows: rng.random_ratio(1, 3),
            is_trailer: false,
        });
    }

    /// Sends the first vehicle that waits; false if it was refused, or there is none.
    fn send(&mut self, host: &mut Host) -> Result<bool, Dead> {
        let pending = self.pending(host)?;
        let Some((vehicle, answer)) = self.outbox.offer(host)? else {
            return Ok(false);
        };
        judge(&vehicle, pending, &answer);
        if answer.is_ok() {
            self.open.push(vehicle);
        }
        Ok(answer.is_ok())
    }

    /// How much is pending in each subscription, as its handlers' notes have it. The host must
    /// count the same.
    fn pending(&mut self, host: &Host) -> Result<[u64; 2], Dead> {
        let mut pending = [0; 2];
        let mut open = Vec::new();
        for vehicle in std::mem::take(&mut self.open) {
            let mut handled = vec![vehicle.handled(host)?];
            // It came in when the handler that sent it had done.
            if vehicle.tows && handled[0][0] {
                handled.push(vehicle.trailer().handled(host)?);
            }
            for it in &handled {
                pending[0] += u64::from(!it[0]);
                pending[1] += u64::from(!it[1]);
            }
            if handled.iter().any(|it| *it != [true; 2]) {
                open.push(vehicle);
            }
        }
        self.open = open;
        let counted = SUBSCRIPTIONS.map(|name| host.pending(name));
        assert_eq!(
            counted, pending,
            "vehicles that wait, as the host counts them"
        );
        Ok(pending)
    }
}

/// Holds an answer against what was pending.
fn judge(vehicle: &Vehicle, pending: [u64; 2], answer: &Result<Accepted, Refused>) {
    let id = vehicle.id;
    let full = pending.iter().position(|it| *it >= PENDING_MAX);
    let full = full.map(|nth| SUBSCRIPTIONS[nth]);
    match answer {
        Ok(accepted) => {
            assert!(!accepted.duplicate, "vehicle {id} left its id when refused");
            assert_eq!(full, None, "vehicle {id} came in where there was no room");
        }
        Err(Refused::Quota(over)) => match &over.bound {
            QuotaBound::Pending { subscription, .. } => {
                assert_eq!(full, Some(&**subscription), "vehicle {id}: {over}");
            }
            other => panic!("vehicle {id}: {other}"),
        },
        Err(other) => panic!("vehicle {id}: {other}"),
    }
}

impl Workload for Ferries {
    fn routes(&self, draft: &mut Draft) {
        draft.topics.push(Topic {
            pending_max: Some(PENDING_MAX),
            ..TopicPattern::new(TOPIC).into()
        });
        let subscriptions = SUBSCRIPTIONS.map(|name| subscription(name, TOPIC, PLUGIN));
        draft.subscriptions.extend(subscriptions);
    }

    fn step(&mut self, host: &mut Host, rng: &mut StdRng) -> Result<(), Dead> {
        match rng.random_range(0..3) {
            0 => self.think(rng),
            _ => drop(self.send(host)?),
        }
        Ok(())
    }

    fn durable(&mut self, blocks: u64) {
        self.outbox.durable(blocks);
    }

    fn restarted(&mut self, _host: &mut Host, blocks: u64) -> Result<(), Dead> {
        self.outbox.durable(blocks);
        drop(self.outbox.restarted());
        self.open = self.outbox.taken().to_vec();
        Ok(())
    }

    fn settle(&mut self, host: &mut Host) -> Result<bool, Dead> {
        while self.send(host)? {}
        Ok(self.outbox.is_done())
    }

    fn check(&mut self, host: &Host) -> Result<(), Dead> {
        for vehicle in self.outbox.taken() {
            let Vehicle { id, tows, .. } = vehicle;
            assert_eq!(vehicle.handled(host)?, [true; 2], "vehicle {id}");
            let trailer = vehicle.trailer().handled(host)?;
            assert_eq!(trailer, [*tows; 2], "trailer {id}");
        }
        Ok(())
    }

    fn taken(&self) -> usize {
        self.outbox.taken().len()
    }
}
