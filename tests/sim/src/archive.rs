//! The archive: papers that their topic keeps for a while, and that wait for longer.
//!
//! What was read, and is older than the retention, is not found. What waits is found however old
//! it is and wherever the log begins, and so is what the topic still keeps and the log has. What a
//! crash took back is not found, though pages may still have it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rand::Rng;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};
use wasmill_engine::{Incoming, story::Found};
use wasmill_model::effects::{Failure, FailureKind};
use wasmill_model::routes::{Topic, TopicPattern};
use wasmill_model::{MessageId, Millis, When};
use wasmill_port::{Call, Clock};

use crate::guest::{body, failure, once};
use crate::host::{Dead, Host};
use crate::ledger::{Outbox, Parcel};
use crate::workload::{Draft, Workload, incoming, subscription};

/// The plugin that reads papers.
pub(crate) const PLUGIN: &str = "archive";
const TOPIC: &str = "paper";
/// How long papers are kept.
const RETENTION: Duration = Duration::from_millis(500);

/// Something to be read.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Paper {
    id: u64,
    key: String,
    /// Until when it is closed: it is tried again, and holds up those behind it.
    opens_at: u64,
    /// After how long it is delivered.
    delay: Option<u64>,
}

/// Where a paper is.
#[derive(Clone, Debug)]
struct Shelved {
    paper: Paper,
    message: MessageId,
    /// When it was sent, or is due.
    at: Millis,
    /// The block that has it.
    block: u64,
}

/// The archive of a world.
#[derive(Debug, Default)]
pub(crate) struct Archive {
    next_id: u64,
    outbox: Outbox<Paper>,
    shelved: BTreeMap<u64, Shelved>,
}

impl Parcel for Paper {
    fn incoming(&self) -> Incoming {
        let body = serde_json::to_vec(self).expect("a paper").into();
        Incoming {
            deliver: self.delay.map_or(When::Now, When::After),
            ..incoming(TOPIC, &self.key, self.id, body)
        }
    }
}

/// Reads a paper once it is open.
pub(crate) fn handle(call: &mut Call) -> Result<(), Failure> {
    let it: Paper = body(call);
    if call.now() < Millis(it.opens_at) {
        return Err(failure(FailureKind::Retry, "the paper is closed"));
    }
    once(call, &format!("read/{}", it.id))
}

impl Archive {
    fn think(&mut self, host: &Host, rng: &mut StdRng) {
        self.next_id += 1;
        self.outbox.push(Paper {
            id: self.next_id,
            key: format!("shelf-{}", rng.random_range(0..3)),
            opens_at: match rng.random_ratio(1, 3) {
                true => host.now().0 + rng.random_range(0..1_500),
                false => 0,
            },
            delay: rng.random_ratio(1, 4).then(|| rng.random_range(1..900)),
        });
    }

    fn send(&mut self, host: &mut Host, count: usize) -> Result<(), Dead> {
        for _ in 0..count {
            let Some((paper, answer)) = self.outbox.offer(host)? else {
                break;
            };
            let accepted = answer.expect("a message that no policy refuses");
            let due = accepted.delayed.map(|it| it.timer.due);
            let shelved = Shelved {
                message: accepted.message,
                at: due.unwrap_or(host.now()),
                block: host.barrier() - 1,
                paper,
            };
            self.shelved.insert(shelved.paper.id, shelved);
        }
        Ok(())
    }

    /// Somebody looks all papers up.
    fn look_up(&self, host: &Host) -> Result<(), Dead> {
        if let Some(found) = host.find(TOPIC)? {
            let sent: BTreeSet<_> = self.shelved.values().map(|it| it.message).collect();
            for Found {
                message, as_what, ..
            } in &found
            {
                let id = message.id;
                assert!(sent.contains(&id), "ghost {id} is found as {as_what:?}");
            }
            for it in self.shelved.values() {
                it.check(host, &found)?;
            }
        }
        Ok(())
    }
}

impl Shelved {
    fn is_read(&self, host: &Host) -> Result<bool, Dead> {
        let Paper { id, key, .. } = &self.paper;
        let mark = host.state(PLUGIN, key, &format!("read/{id}"))?;
        Ok(mark.is_some())
    }

    /// Holds what was found against what is to be.
    fn check(&self, host: &Host, found: &[Found]) -> Result<(), Dead> {
        let (id, now) = (self.paper.id, host.clock().now());
        let count = found.iter().filter(|it| it.message.id == self.message);
        let count = count.count();
        // Of a delayed one the log tells that it was put off, and that it was due.
        let count_max = 1 + usize::from(self.paper.delay.is_some());
        assert!(count <= count_max, "paper {id} is there {count} times");
        let age = now.since(self.at);
        if !self.is_read(host)? {
            assert!(
                count > 0,
                "paper {id} waits, and is lost to who looks it up"
            );
        } else if age > RETENTION {
            assert_eq!(count, 0, "paper {id} was read, and is found at {age:?}");
        } else if self.block >= host.log_first() {
            assert!(
                count > 0,
                "paper {id} is in the log, and lost after {age:?}"
            );
        }
        Ok(())
    }
}

impl Workload for Archive {
    fn routes(&self, draft: &mut Draft) {
        draft.topics.push(Topic {
            retention: Some(RETENTION),
            ..TopicPattern::new(TOPIC).into()
        });
        let reads = subscription(PLUGIN, TOPIC, PLUGIN);
        draft.subscriptions.push(reads);
    }

    fn step(&mut self, host: &mut Host, rng: &mut StdRng) -> Result<(), Dead> {
        match rng.random_range(0..6) {
            0 | 1 => self.think(host, rng),
            2 | 3 => self.send(host, 3)?,
            _ => self.look_up(host)?,
        }
        Ok(())
    }

    fn durable(&mut self, blocks: u64) {
        self.outbox.durable(blocks);
    }

    fn restarted(&mut self, host: &mut Host, blocks: u64) -> Result<(), Dead> {
        self.outbox.durable(blocks);
        for lost in self.outbox.restarted() {
            self.shelved.remove(&lost.id);
        }
        // Before other messages get the ids of those that are lost.
        self.look_up(host)
    }

    fn settle(&mut self, host: &mut Host) -> Result<bool, Dead> {
        self.send(host, 100)?;
        Ok(self.outbox.is_done())
    }

    fn check(&mut self, host: &Host) -> Result<(), Dead> {
        for it in self.shelved.values() {
            assert!(it.is_read(host)?, "paper {} was not read", it.paper.id);
        }
        self.look_up(host)
    }

    fn taken(&self) -> usize {
        self.outbox.taken().len()
    }
}
