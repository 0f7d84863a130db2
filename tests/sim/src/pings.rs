//! Pings: messages with ids that are soon forgotten, and what is promised of them.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use rand::Rng;
use rand::rngs::StdRng;
use wasmill_engine::{Incoming, ProducerId};
use wasmill_model::Millis;
use wasmill_port::Clock;

use crate::host::{Dead, Host};
use crate::workload::{Draft, Workload, incoming};

/// How long an id is remembered.
const WINDOW: Duration = Duration::from_millis(500);
/// How far the clocks of a world may be apart.
const MARGIN: Duration = Duration::from_millis(50);

/// The ids that are taken.
#[derive(Debug, Default)]
pub(crate) struct Pings {
    /// When each was taken, and the barrier at which that is durable.
    taken: HashMap<u64, (Millis, u64)>,
    count: usize,
}

/// A ping; nobody listens.
fn ping(id: u64) -> Incoming {
    Incoming {
        producer_id: Some(ProducerId {
            id: id.to_string(),
            window: WINDOW,
            claimed: None,
        }),
        ..incoming("ping", &format!("ping-{id}"), id, Bytes::new())
    }
}

impl Pings {
    /// An id was sent, and known or not.
    fn sent(&mut self, id: u64, now: Millis, barrier: u64, known: bool) {
        if let Some((at, _)) = self.taken.get(&id) {
            let age = now.since(*at);
            assert!(
                known || age + MARGIN >= WINDOW,
                "ping {id} was sent {age:?} ago and is taken again"
            );
            assert!(
                !known || age <= WINDOW + MARGIN,
                "ping {id} was sent {age:?} ago and is remembered"
            );
        }
        if !known {
            self.taken.insert(id, (now, barrier));
            self.count += 1;
        }
    }
}

impl Workload for Pings {
    fn routes(&self, draft: &mut Draft) {
        draft.declare(&["ping"]);
    }

    fn step(&mut self, host: &mut Host, rng: &mut StdRng) -> Result<(), Dead> {
        let id = rng.random_range(0..4);
        let now = host.clock().now();
        let sent = host.look_up(ping(id))?;
        let (accepted, barrier) = host.accept(sent)?;
        self.sent(id, now, barrier, accepted.duplicate);
        Ok(())
    }

    fn durable(&mut self, _blocks: u64) {}

    /// Of what was not durable, nothing is known.
    fn restarted(&mut self, _host: &mut Host, blocks: u64) -> Result<(), Dead> {
        self.taken.retain(|_, (_, barrier)| *barrier <= blocks);
        Ok(())
    }

    fn settle(&mut self, _host: &mut Host) -> Result<bool, Dead> {
        Ok(true)
    }

    fn check(&mut self, _host: &Host) -> Result<(), Dead> {
        Ok(())
    }

    fn taken(&self) -> usize {
        self.count
    }
}
