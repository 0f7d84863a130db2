//! What waits, as the end of the log leaves it.

use wasmill_model::{Op, Record};

use super::{Parking, Slot, Waiting, Waits};
use crate::story::sieve::partition_of;

impl Waiting {
    /// Whether a record of a block, as it is encoded, may change what waits.
    #[must_use]
    pub fn wants(&self, block: u64, record: &[u8]) -> bool {
        let Some(id) = partition_of(record) else {
            return true;
        };
        let has_some = || self.counts.get(&id).is_some_and(|count| *count > 0);
        self.is_behind(id, block) && (has_some() || self.sought.passes(record))
    }

    /// Applies a record that is wanted. All must be, in their order, from
    /// [`Waiting::next_block`] on.
    pub fn apply(&mut self, record: &Record) {
        let id = record.partition;
        for op in &record.ops {
            match op {
                Op::Deliver {
                    seq,
                    message,
                    targets,
                } => {
                    for target in targets {
                        let how = Waits::Queued {
                            subscription: target.subscription.clone(),
                            key: target.key.clone(),
                            attempts: 0,
                            parked: None,
                        };
                        let slot = Slot::Queued(id, target.subscription.clone(), *seq);
                        self.note(slot, message, target.key.as_ref(), how);
                    }
                }
                Op::Settle {
                    subscription, seq, ..
                } => self.remove(&Slot::Queued(id, subscription.clone(), *seq)),
                Op::Retry {
                    subscription,
                    seq,
                    attempts,
                    due,
                    cause,
                    ..
                } => {
                    let (due, cause) = (*due, cause.clone());
                    let slot = Slot::Queued(id, subscription.clone(), *seq);
                    self.failed(&slot, *attempts, Parking { due, cause });
                }
                Op::Bury(letter) => {
                    self.remove(&Slot::Queued(id, letter.subscription.clone(), letter.seq));
                    self.dead(id, letter);
                }
                Op::Exhume { subscription, seq } => {
                    self.remove(&Slot::Dead(id, subscription.clone(), *seq));
                }
                Op::Delay(delayed) => self.delayed(id, delayed),
                Op::Undelay(timer) => self.remove(&Slot::Delayed(id, timer.id)),
                Op::Prepare(half) => self.half(id, half),
                Op::Decide { half, .. } => self.remove(&Slot::Prepared(id, *half)),
                Op::State { .. }
                | Op::Send { .. }
                | Op::Receive { .. }
                | Op::Claim(_)
                | Op::Position(_)
                | Op::Handled(_)
                | Op::Used(_)
                | Op::Schedule { .. } => {}
            }
        }
    }

    fn failed(&mut self, slot: &Slot, failures: u32, parking: Parking) {
        let Some(waiter) = self.waiters.get_mut(slot) else {
            return;
        };
        let before = waiter.footprint();
        if let Waits::Queued {
            attempts, parked, ..
        } = &mut waiter.how
        {
            *attempts = failures;
            *parked = Some(parking);
        }
        self.bytes = self.bytes + waiter.footprint() - before;
    }
}
