//! Tolls: topics of one prefix that share a quota, on a host that reloads it and dies.
//!
//! No window of the process's running time has more cars from outside, or more of their bytes, than
//! a burst and what comes at the rate; where nothing else is sent, none is refused that has room.
//! What is refused leaves nothing behind, and what handlers send is never refused.

use std::time::Duration;

use bytes::Bytes;
use rand::Rng;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};
use wasmill_engine::{Accepted, Incoming, QuotaBound, Refused};
use wasmill_model::When;
use wasmill_model::effects::Failure;
use wasmill_model::limits::MessageLimits;
use wasmill_model::routes::{Quota, Rate, Subscription, Topic, TopicPattern};
use wasmill_port::Call;
use wasmill_port::call::Outgoing;

use crate::guest::{body, once};
use crate::host::{Dead, Host};
use crate::ledger::{Outbox, Parcel};
use crate::workload::{Draft, Workload, incoming, rerouted, subscription};

/// The plugin that lets cars pass.
pub(crate) const PLUGIN: &str = "toll";
/// What declares its topics.
const TOPICS: &str = "toll.*";
/// Where cars come in, and what handlers send for some of them.
const GATE: &str = "toll.gate";
const STAMP: &str = "toll.stamp";
/// The largest body.
const BODY_BYTES_MAX: usize = 800;
/// The bursts of cars that the routes have in turn; none for no quota.
const BURSTS: [Option<u64>; 3] = [Some(3), Some(6), None];

/// A car.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Car {
    id: u64,
    key: String,
    /// Whether its handler sends a stamp.
    is_stamped: bool,
    load: String,
}

/// The toll of a world.
#[derive(Debug)]
pub(crate) struct Tolls {
    /// Whether handlers send stamps, which use the quota too.
    stamps: bool,
    next_id: u64,
    outbox: Outbox<Car>,
    /// Refused, and not sent again.
    turned_back: Vec<Car>,
    cars: Meter,
    bytes: Meter,
}

/// What was taken in from outside in this life of the host: at which running time, and how much.
#[derive(Debug, Default)]
struct Meter(Vec<(Duration, u64)>);

impl Meter {
    /// Whether with so much more no window up to now has more than it may.
    fn has_room(&self, rate: Rate, more: u64, now: Duration) -> bool {
        let mut sum = more;
        let mut windows = self.0.iter().rev();
        more <= rate.burst
            && windows.all(|(since, count)| {
                sum += count;
                let millis = u64::try_from((now - *since).as_millis()).expect("a short life");
                sum * 1_000 <= rate.burst * 1_000 + rate.per_second * millis
            })
    }
}

impl Car {
    fn body(&self) -> Bytes {
        serde_json::to_vec(self).expect("a car").into()
    }
}

impl Parcel for Car {
    fn incoming(&self) -> Incoming {
        incoming(GATE, &self.key, self.id, self.body())
    }
}

/// Lets a car pass, or takes note of its stamp.
pub(crate) fn handle(call: &mut Call) -> Result<(), Failure> {
    let it: Car = body(call);
    if call.delivery().message.topic == *STAMP {
        return once(call, &format!("stamped/{}", it.id));
    }
    if it.is_stamped {
        call.send(Outgoing {
            topic: STAMP.into(),
            key: Some(it.key.as_str().into()),
            tag: None,
            headers: Vec::new(),
            body: it.body(),
            when: When::Now,
        })?;
    }
    once(call, &format!("passed/{}", it.id))
}

/// The topics with such a burst of cars, or without quotas.
fn topics(burst: Option<u64>) -> Topic {
    let cars = burst.map(|burst| Rate {
        per_second: 10,
        burst,
    });
    let bytes = Rate {
        per_second: 3_000,
        burst: 1_000,
    };
    Topic {
        limits: MessageLimits {
            body_bytes_max: BODY_BYTES_MAX,
            ..MessageLimits::default()
        },
        quota: Quota {
            messages: cars,
            bytes: cars.map(|_| bytes),
        },
        ..TopicPattern::new(TOPICS).into()
    }
}

/// The quota in force.
fn quota(host: &Host) -> Quota {
    host.routes().topic(GATE).expect("it is declared").quota
}

impl Tolls {
    /// A toll, with stamps or without.
    pub(crate) fn new(rng: &mut StdRng) -> Self {
        Self {
            stamps: rng.random(),
            next_id: 0,
            outbox: Outbox::default(),
            turned_back: Vec::new(),
            cars: Meter::default(),
            bytes: Meter::default(),
        }
    }

    fn think(&mut self, rng: &mut StdRng) {
        self.next_id += 1;
        let load = match rng.random_ratio(1, 12) {
            true => BODY_BYTES_MAX,
            false => rng.random_range(0..BODY_BYTES_MAX - 100),
        };
        self.outbox.push(Car {
            id: self.next_id,
            key: format!("lane-{}", rng.random_range(0..3)),
            is_stamped: self.stamps && rng.random(),
            load: "x".repeat(load),
        });
    }

    /// Sends the first car that waits; false if it was refused, or there is none.
    fn send(&mut self, host: &mut Host, gives_up: bool) -> Result<bool, Dead> {
        let Some((car, answer)) = self.outbox.offer(host)? else {
            return Ok(false);
        };
        self.judge(&car, quota(host), host.uptime(), &answer);
        let is_too_large = matches!(answer, Err(Refused::Limit(_)));
        if is_too_large || (answer.is_err() && gives_up) {
            self.outbox.give_up();
            self.turned_back.push(car);
        }
        Ok(is_too_large || answer.is_ok())
    }

    /// Holds an answer against what was taken in before.
    fn judge(
        &mut self,
        car: &Car,
        quota: Quota,
        now: Duration,
        answer: &Result<Accepted, Refused>,
    ) {
        let (id, size) = (car.id, car.body().len());
        let mut meters = [
            ("messages_per_second", quota.messages, 1, &mut self.cars),
            (
                "bytes_per_second",
                quota.bytes,
                size as u64,
                &mut self.bytes,
            ),
        ];
        let mut full = meters.iter().filter(|(_, rate, more, meter)| {
            rate.is_some_and(|rate| !meter.has_room(rate, *more, now))
        });
        let full = full.next().map(|(name, ..)| *name);
        match answer {
            Ok(accepted) => {
                assert!(size <= BODY_BYTES_MAX, "car {id} is over the limit");
                assert!(!accepted.duplicate, "car {id} left its id when refused");
                assert_eq!(full, None, "car {id} was let in over the quota");
                for (_, rate, more, meter) in &mut meters {
                    meter.0.extend(rate.map(|_| (now, *more)));
                }
            }
            Err(Refused::Limit(_)) => {
                assert!(size > BODY_BYTES_MAX, "car {id} is within the limit");
            }
            Err(Refused::Quota(over)) => {
                let messages = quota.messages.map(|it| QuotaBound::Messages(it.per_second));
                let bytes = quota.bytes.map(|it| QuotaBound::Bytes(it.per_second));
                assert!(
                    [messages, bytes].contains(&Some(over.bound.clone())),
                    "car {id}: {over}, which is not in force"
                );
                let bound = Some(over.bound.name());
                assert!(
                    self.stamps || bound == full,
                    "car {id}: {over}, not {full:?}"
                );
            }
            Err(other) => panic!("car {id}: {other}"),
        }
    }

    /// A client sends again what was acknowledged: it is told so, and uses nothing.
    fn repeat(&mut self, host: &mut Host, rng: &mut StdRng) -> Result<(), Dead> {
        let taken = self.outbox.taken();
        if taken.is_empty() {
            return Ok(());
        }
        let car = &taken[rng.random_range(0..taken.len())];
        let sent = host.look_up(car.incoming())?;
        let (accepted, _) = host.accept(sent)?;
        assert!(accepted.duplicate, "car {} was taken twice", car.id);
        Ok(())
    }

    /// An operator changes the quota, and where in the routes it stands.
    fn reload(&mut self, host: &mut Host, rng: &mut StdRng) {
        let routes = host.routes();
        let is_other = |it: &&Topic| it.pattern.as_str() != TOPICS;
        let mut all: Vec<_> = routes.topics().iter().filter(is_other).cloned().collect();
        let changed = topics(BURSTS[rng.random_range(0..BURSTS.len())]);
        all.insert(rng.random_range(0..=all.len()), changed);
        let subscriptions = routes.subscriptions().map(|it| Subscription::clone(it));
        let routes = rerouted(routes, all, subscriptions.collect());
        host.set_routes(&routes);
        if quota(host) == Quota::default() {
            self.begin_full();
        }
    }

    /// A quota is new, or was away.
    fn begin_full(&mut self) {
        self.cars = Meter::default();
        self.bytes = Meter::default();
    }
}

impl Workload for Tolls {
    fn routes(&self, draft: &mut Draft) {
        draft.topics.push(topics(BURSTS[0]));
        let toll = subscription("toll", TOPICS, PLUGIN);
        draft.subscriptions.push(toll);
    }

    fn step(&mut self, host: &mut Host, rng: &mut StdRng) -> Result<(), Dead> {
        match rng.random_range(0..8) {
            0 | 1 => self.think(rng),
            2..=5 => drop(self.send(host, rng.random_ratio(1, 6))?),
            6 => self.repeat(host, rng)?,
            _ => self.reload(host, rng),
        }
        Ok(())
    }

    fn durable(&mut self, blocks: u64) {
        self.outbox.durable(blocks);
    }

    fn restarted(&mut self, _host: &mut Host, blocks: u64) -> Result<(), Dead> {
        self.outbox.durable(blocks);
        drop(self.outbox.restarted());
        self.begin_full();
        Ok(())
    }

    fn settle(&mut self, host: &mut Host) -> Result<bool, Dead> {
        while self.send(host, false)? {}
        Ok(self.outbox.is_done())
    }

    fn check(&mut self, host: &Host) -> Result<(), Dead> {
        let has = |car: &Car, what: &str| {
            let mark = host.state(PLUGIN, &car.key, &format!("{what}/{}", car.id))?;
            Ok(mark.is_some())
        };
        for car in self.outbox.taken() {
            assert!(has(car, "passed")?, "car {} did not pass", car.id);
            assert_eq!(has(car, "stamped")?, car.is_stamped, "stamp {}", car.id);
        }
        for car in &self.turned_back {
            assert!(
                !has(car, "passed")?,
                "car {} was refused, and passed",
                car.id
            );
        }
        Ok(())
    }

    fn taken(&self) -> usize {
        self.outbox.taken().len()
    }
}
