//! How far subscriptions are behind: the oldest message of each that waits or is being handled.
//!
//! Lanes are many, and no index of ages is worth its price at each message. So they are looked
//! through, a part at a time.

use wasmill_model::{Millis, PartitionId};

use super::Engine;

/// A look through all partitions.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    next: u16,
    /// By the subscription's index.
    oldest: Vec<Option<Millis>>,
}

impl Survey {
    /// When the oldest message was sent that waits for, or is handled in, the subscription of this
    /// place in [`Engine::census`].
    #[must_use]
    pub fn oldest(&self, subscription: usize) -> Option<Millis> {
        self.oldest.get(subscription).copied().flatten()
    }

    fn note(&mut self, subscription: usize, sent: Millis) {
        if self.oldest.len() <= subscription {
            self.oldest.resize(subscription + 1, None);
        }
        let oldest = &mut self.oldest[subscription];
        *oldest = Some(oldest.map_or(sent, |before| before.min(sent)));
    }
}

impl Engine {
    /// Goes on with a survey over whole partitions, one at least, until it has seen about
    /// `lanes_max` lanes. True if it is complete.
    pub fn survey(&self, survey: &mut Survey, lanes_max: usize) -> bool {
        let mut seen = 0;
        while survey.next < self.config.partitions && seen < lanes_max.max(1) {
            let partition = self.partition(PartitionId(survey.next));
            survey.next += 1;
            seen += partition.lanes.len() + 1;
            for lane in partition.lanes.values() {
                for (sub, track) in &lane.tracks {
                    if let Some(first) = track.waiting.front() {
                        survey.note(*sub, first.message.produced_at);
                    }
                }
            }
            for (sub, queue) in partition.queues.iter().enumerate() {
                if let Some(first) = queue.backlog.first_in_memory() {
                    survey.note(sub, first.message.produced_at);
                }
            }
        }
        survey.next >= self.config.partitions
    }
}
