//! What waits, and the log does not tell how it was stored: its story begins with that it waits.

use wasmill_model::{Message, Op, PartitionId};

use super::super::event::{Event, Story, What};
use super::super::waiting::{Slot, Waiting};
use super::{Place, Teller};

impl<K: Fn(&Message) -> bool> Teller<K> {
    /// Tells of these, too: they wait when the log has been read, whether or not it has them.
    #[must_use]
    pub fn with_waiting(mut self, waiting: Waiting) -> Self {
        self.untold = waiting.into_waiters();
        for (slot, it) in &self.untold {
            let known = self.by_id.entry(it.message.id);
            let story = *known.or_insert_with(|| {
                self.bytes += Story::footprint(&it.message);
                self.stories.push(Story {
                    message: it.message.clone(),
                    body_bytes: it.body_bytes,
                    events: Vec::new(),
                    pending: Vec::new(),
                });
                self.stories.len() - 1
            });
            // Its earlier deliveries are told by its number alone. It stays open to the end.
            if let Slot::Queued(partition, _, seq) | Slot::Dead(partition, _, seq) = slot {
                let place = Place { story, open: 1 };
                self.places.insert((*partition, *seq), place);
                *self.open.entry(*partition).or_default() += 1;
            }
        }
        self
    }

    /// The log has how a message was stored that waits at the end.
    pub(super) fn tells_of(&mut self, id: PartitionId, op: &Op) {
        if self.untold.is_empty() {
            return;
        }
        match op {
            Op::Deliver { seq, targets, .. } => {
                for target in targets {
                    let slot = Slot::Queued(id, target.subscription.clone(), *seq);
                    self.untold.remove(&slot);
                }
            }
            Op::Bury(letter) => {
                let slot = Slot::Dead(id, letter.subscription.clone(), letter.seq);
                self.untold.remove(&slot);
            }
            Op::Delay(delayed) => {
                self.untold.remove(&Slot::Delayed(id, delayed.message.id));
            }
            Op::Prepare(half) => {
                self.untold.remove(&Slot::Prepared(id, half.id()));
            }
            _ => {}
        }
    }

    /// Nothing more is read: what is left begins its story.
    pub(super) fn tell_untold(&mut self) {
        for (slot, it) in std::mem::take(&mut self.untold).into_iter().rev() {
            let Some(&story) = self.by_id.get(&it.message.id) else {
                continue;
            };
            self.copies.wait(story, &slot, &it.how);
            let event = Event {
                at: it.message.produced_at,
                partition: slot.partition(),
                what: What::Waits(it.how),
            };
            self.stories[story].events.insert(0, event);
        }
    }
}
