//! Errands: messages for later that handlers, and operators outside, take back.
//!
//! What was taken back is never handled, whatever was answered as gone was handled or taken back
//! before, and everything else is handled once, and never early.

mod guest;

use std::collections::{BTreeMap, BTreeSet};

use rand::Rng;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};
use wasmill_engine::{DelayedId, Incoming, Recalled};
use wasmill_model::{Millis, Name, When, reserved};

use crate::guest::number;
use crate::host::{Dead, Host};
use crate::ledger::{Awaiting, Outbox, Parcel};
use crate::workload::{Draft, Workload, incoming, subscription};

pub(crate) use guest::handle;

/// The plugin that runs errands.
pub(crate) const PLUGIN: &str = "courier";

/// Something to be done later, and the one before it that is to be taken back.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Errand {
    id: u64,
    key: String,
    how: How,
    delay: u64,
    takes_back: Option<(u64, How)>,
}

/// Who puts it off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum How {
    /// The client, who sends the task with a delay.
    Outside,
    /// A handler that sends the task with a delay.
    Sent,
    /// A handler that sets a timer.
    Timer,
}

/// The errands of a world.
#[derive(Debug, Default)]
pub(crate) struct Errands {
    next_id: u64,
    outbox: Outbox<Errand>,
    /// Those that may be asked about.
    sent: Vec<Errand>,
    /// What names those that the client put off.
    names: BTreeMap<u64, DelayedId>,
    /// Answered as taken back, and not known to be durable.
    answers: Awaiting<u64>,
    recalled: BTreeSet<u64>,
}

impl Parcel for Errand {
    fn incoming(&self) -> Incoming {
        let body = serde_json::to_vec(self).expect("an errand").into();
        let (topic, deliver) = match self.how {
            How::Outside => ("task", When::After(self.delay)),
            How::Sent | How::Timer => ("errand", When::Now),
        };
        Incoming {
            deliver,
            ..incoming(topic, &self.key, self.id, body)
        }
    }
}

impl Errands {
    fn think(&mut self, rng: &mut StdRng) {
        let key = format!("errands-{}", rng.random_range(0..3));
        let how = match rng.random_range(0..3) {
            0 => How::Outside,
            1 => How::Sent,
            _ => How::Timer,
        };
        let others = self.sent.iter().rev().take(20);
        let own = others.filter(|it| it.key == key && it.how != How::Outside);
        let own: Vec<_> = own.map(|it| (it.id, it.how)).collect();
        let takes_back = (rng.random_ratio(1, 4) && !own.is_empty())
            .then(|| own[rng.random_range(0..own.len())]);
        self.next_id += 1;
        let errand = Errand {
            id: self.next_id,
            key,
            how,
            delay: rng.random_range(1..600),
            takes_back,
        };
        self.sent.push(errand.clone());
        self.outbox.push(errand);
    }

    /// An operator takes one of the last errands back.
    fn recall(&mut self, host: &mut Host, rng: &mut StdRng) -> Result<(), Dead> {
        let first = self.sent.len().saturating_sub(30);
        if first == self.sent.len() {
            return Ok(());
        }
        let errand = self.sent[rng.random_range(first..self.sent.len())].clone();
        let Some((answer, due)) = self.ask(host, &errand)? else {
            return Ok(());
        };
        let was_handled = errand.mark(host, "handled")?.is_some();
        let was_taken = errand.mark(host, "back")?.is_some() || self.is_recalled(errand.id);
        let id = errand.id;
        match answer {
            Recalled::Done => {
                assert!(
                    !was_handled,
                    "errand {id} was recalled after it was handled"
                );
                assert!(!was_taken, "errand {id} was recalled twice");
                self.answers.push(host.barrier(), id);
            }
            Recalled::Gone => {
                // One that is not a timer is out of reach once it is delivered to its queue.
                let was_due = errand.how != How::Timer && host.now() >= due;
                assert!(
                    was_handled || was_taken || was_due,
                    "errand {id} is said to be gone while it waits"
                );
            }
            Recalled::Handed => assert!(!was_handled, "errand {id} was handled, not handed"),
            Recalled::Running | Recalled::Changed => {}
        }
        Ok(())
    }

    /// What an operator who takes the errand back is told, and when it is due; none if it is not
    /// there to be taken back yet.
    fn ask(&self, host: &mut Host, errand: &Errand) -> Result<Option<(Recalled, Millis)>, Dead> {
        if errand.how == How::Outside {
            let Some(name) = self.names.get(&errand.id) else {
                return Ok(None);
            };
            return Ok(Some((host.recall(*name)?, name.timer.due)));
        }
        let Some(due) = number(errand.mark(host, "due")?.as_ref()) else {
            return Ok(None);
        };
        let entry = match errand.how {
            How::Timer => reserved::timer(&errand.id.to_string()),
            _ => {
                let id = errand.mark(host, "name")?.expect("written with its time");
                let id = std::str::from_utf8(&id).expect("a message's id");
                reserved::recallable(id.parse().expect("a message's id"))
            }
        };
        let answer = host.recall_entry(&PLUGIN.into(), &Name::from(&*errand.key), &entry)?;
        let due = Millis(u64::try_from(due).expect("a time"));
        Ok(Some((answer, due)))
    }

    fn is_recalled(&self, id: u64) -> bool {
        self.recalled.contains(&id) || self.answers.iter().any(|it| *it == id)
    }
}

impl Errand {
    /// What its handlers noted about it.
    fn mark(&self, host: &Host, what: &str) -> Result<Option<bytes::Bytes>, Dead> {
        host.state(PLUGIN, &self.key, &format!("{what}/{}", self.id))
    }
}

impl Workload for Errands {
    fn routes(&self, draft: &mut Draft) {
        draft.declare(&["errand", "task"]);
        let subscriptions = ["errand", "task"].map(|it| subscription(it, it, PLUGIN));
        draft.subscriptions.extend(subscriptions);
    }

    fn step(&mut self, host: &mut Host, rng: &mut StdRng) -> Result<(), Dead> {
        match rng.random_range(0..4) {
            0 | 1 => self.think(rng),
            2 => self.recall(host, rng)?,
            _ => {
                let names = &mut self.names;
                self.outbox.send(host, 5, |errand, accepted| {
                    names.extend(accepted.delayed.map(|it| (errand.id, it)));
                })?;
            }
        }
        Ok(())
    }

    fn durable(&mut self, blocks: u64) {
        self.outbox.durable(blocks);
        self.recalled.extend(self.answers.told(blocks));
    }

    fn restarted(&mut self, _host: &mut Host, blocks: u64) -> Result<(), Dead> {
        for errand in self.outbox.restarted() {
            // It may be another message when it is taken in again.
            self.names.remove(&errand.id);
        }
        self.recalled.extend(self.answers.told(blocks));
        self.answers.lost();
        Ok(())
    }

    fn settle(&mut self, host: &mut Host) -> Result<bool, Dead> {
        let names = &mut self.names;
        self.outbox.send(host, 100, |errand, accepted| {
            names.extend(accepted.delayed.map(|it| (errand.id, it)));
        })?;
        Ok(self.outbox.is_done())
    }

    fn check(&mut self, host: &Host) -> Result<(), Dead> {
        for errand in self.outbox.taken() {
            let ends = [
                errand.mark(host, "handled")?.is_some(),
                errand.mark(host, "back")?.is_some(),
                self.recalled.contains(&errand.id),
            ];
            let count = ends.iter().filter(|it| **it).count();
            assert_eq!(
                count, 1,
                "errand {}: handled, taken back, recalled: {ends:?}",
                errand.id
            );
        }
        Ok(())
    }

    fn taken(&self) -> usize {
        self.outbox.taken().len()
    }
}
