//! Lines: keys that halt at a message that fails for good, until an operator sets them going.
//!
//! No piece passes the one before it, a halted key does not go on by itself, and nothing is given
//! up that no operator gave up.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rand::Rng;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};
use wasmill_engine::{Halted, Incoming, Resume};
use wasmill_model::effects::{Failure, FailureKind};
use wasmill_model::routes::{OnExhausted, RetrySchedule, Subscription};
use wasmill_model::{MessageId, Name};
use wasmill_port::Call;

use crate::guest::{body, failure, get, number, once, put};
use crate::host::{Dead, Host};
use crate::ledger::{Awaiting, Outbox, Parcel};
use crate::workload::{Draft, Workload, incoming, subscription};

/// The plugin that makes pieces.
pub(crate) const PLUGIN: &str = "line";

/// A piece to be made, in its turn.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Piece {
    /// Consecutive, also among the pieces of a key.
    id: u64,
    key: String,
    is_faulty: bool,
}

/// The lines of a world.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    next_id: u64,
    outbox: Outbox<Piece>,
    /// Which piece a message is.
    pieces: BTreeMap<MessageId, (u64, bool)>,
    /// The keys that were halted when somebody last looked, by the piece that failed.
    halted: BTreeMap<Name, u64>,
    answers: Awaiting<u64>,
    given_up: BTreeSet<u64>,
}

impl Parcel for Piece {
    fn incoming(&self) -> Incoming {
        let body = serde_json::to_vec(self).expect("a piece").into();
        incoming("piece", &self.key, self.id, body)
    }
}

/// Makes a piece, unless it is faulty.
pub(crate) fn handle(call: &mut Call) -> Result<(), Failure> {
    let it: Piece = body(call);
    if it.is_faulty {
        let kind = match it.id.is_multiple_of(2) {
            true => FailureKind::Retry,
            false => FailureKind::Reject,
        };
        return Err(failure(kind, "a faulty piece"));
    }
    let id = i64::try_from(it.id).expect("few pieces");
    let last = get(call, "last")?.unwrap_or(-1);
    assert!(id > last, "line {}: piece {id} after {last}", it.key);
    put(call, "last", id)?;
    once(call, &format!("made/{id}"))
}

impl Lines {
    fn think(&mut self, rng: &mut StdRng) {
        self.next_id += 1;
        self.outbox.push(Piece {
            id: self.next_id,
            key: format!("line-{}", rng.random_range(0..3)),
            is_faulty: rng.random_ratio(1, 6),
        });
    }

    fn send(&mut self, host: &mut Host, count: usize) -> Result<(), Dead> {
        let pieces = &mut self.pieces;
        self.outbox.send(host, count, |piece, accepted| {
            pieces.insert(accepted.message, (piece.id, piece.is_faulty));
        })
    }

    /// An operator looks at the halted keys; all that were halted must still be.
    fn look(&mut self, host: &mut Host) -> Result<Vec<(Halted, u64, bool)>, Dead> {
        let mut found = Vec::new();
        for it in host.halted(PLUGIN) {
            let (id, is_faulty) = self.pieces[&it.message];
            let key = it.key.clone().expect("pieces have keys");
            let last = number(host.state(PLUGIN, &key, "last")?.as_ref());
            let last = last.unwrap_or(-1);
            assert!(
                i64::try_from(id).is_ok_and(|id| id > last),
                "line {key} went on to piece {last} past {id}, at which it is halted"
            );
            found.push((it, id, is_faulty));
        }
        for (key, id) in &self.halted {
            let is_same =
                |(it, of, _): &(Halted, u64, bool)| it.key.as_ref() == Some(key) && of == id;
            assert!(
                found.iter().any(is_same),
                "line {key} went on by itself, past piece {id}"
            );
        }
        let keys = found.iter().map(|(it, id, _)| (it.key.clone(), *id));
        self.halted = keys.filter_map(|(key, id)| Some((key?, id))).collect();
        Ok(found)
    }

    /// An operator sets keys going.
    fn resume(
        &mut self,
        host: &mut Host,
        choose: impl Fn(bool) -> Option<Resume>,
    ) -> Result<bool, Dead> {
        let found = self.look(host)?;
        let none = found.is_empty();
        for (halted, id, is_faulty) in found {
            let key = halted.key.expect("pieces have keys");
            let Some(how) = choose(is_faulty) else {
                continue;
            };
            let count = host.resume(PLUGIN, &key, how);
            assert_eq!(count, 1, "line {key} was halted");
            self.halted.remove(&key);
            if how == Resume::GiveUp {
                self.answers.push(host.barrier(), id);
            }
        }
        Ok(none)
    }
}

impl Workload for Lines {
    fn routes(&self, draft: &mut Draft) {
        draft.declare(&["piece"]);
        draft.subscriptions.push(Subscription {
            retry: RetrySchedule::new(vec![Duration::from_millis(15); 2]),
            on_exhausted: OnExhausted::Halt,
            ..subscription(PLUGIN, "piece", PLUGIN)
        });
    }

    fn step(&mut self, host: &mut Host, rng: &mut StdRng) -> Result<(), Dead> {
        match rng.random_range(0..6) {
            0..=2 => self.think(rng),
            3 => self.send(host, 5)?,
            4 => drop(self.look(host)?),
            _ => {
                let how = match rng.random_ratio(1, 3) {
                    true => Resume::GiveUp,
                    false => Resume::Retry,
                };
                let chosen = rng.random_range(0..3);
                let choose = |is_faulty| (chosen > 0 || is_faulty).then_some(how);
                self.resume(host, choose)?;
            }
        }
        Ok(())
    }

    fn durable(&mut self, blocks: u64) {
        self.outbox.durable(blocks);
        self.given_up.extend(self.answers.told(blocks));
    }

    fn restarted(&mut self, _host: &mut Host, blocks: u64) -> Result<(), Dead> {
        drop(self.outbox.restarted());
        self.given_up.extend(self.answers.told(blocks));
        self.answers.lost();
        self.halted.clear();
        Ok(())
    }

    fn settle(&mut self, host: &mut Host) -> Result<bool, Dead> {
        self.send(host, 100)?;
        let choose = |is_faulty| match is_faulty {
            true => Some(Resume::GiveUp),
            false => Some(Resume::Retry),
        };
        let none = self.resume(host, choose)?;
        Ok(none && self.outbox.is_done())
    }

    fn check(&mut self, host: &Host) -> Result<(), Dead> {
        let letters = host.letters(PLUGIN)?;
        let ids = letters.iter().map(|(_, it)| {
            let it: Piece = serde_json::from_slice(&it.message.body).expect("a piece");
            it.id
        });
        let dead: BTreeSet<_> = ids.collect();
        assert_eq!(dead.len(), letters.len(), "no piece is a dead letter twice");
        assert_eq!(dead, self.given_up, "the pieces that were given up");
        for Piece { id, key, .. } in self.outbox.taken() {
            let made = host.state(PLUGIN, key, &format!("made/{id}"))?.is_some();
            assert_ne!(made, dead.contains(id), "piece {id}: made {made}");
        }
        Ok(())
    }

    fn taken(&self) -> usize {
        self.outbox.taken().len()
    }
}
