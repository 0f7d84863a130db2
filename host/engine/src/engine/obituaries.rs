//! Events of dead letters, in the records that bury them.

use wasmill_model::dead_event::{self, dead_event};
use wasmill_model::effects::Send;
use wasmill_model::record::DeadLetter;
use wasmill_model::{MessageId, Op, PartitionId};

use super::Engine;
use crate::dead_letters::LetterId;

impl Engine {
    /// The events of what a record of `partition` buries; none if nobody receives them.
    pub(super) fn obituaries(&self, partition: PartitionId, ops: &[Op]) -> Vec<Send> {
        if !self.routes.hears_of_dead_letters() {
            return Vec::new();
        }
        let buried = ops.iter().filter_map(|op| match op {
            Op::Bury(letter) if !self.is_event(letter) => Some(letter),
            _ => None,
        });
        let events = buried.map(|letter| {
            let id = LetterId {
                partition,
                subscription: letter.subscription.clone(),
                seq: letter.seq,
            };
            let event_id = MessageId::buried(partition, letter.seq, &letter.subscription);
            self.routes
                .fan_out(dead_event(letter, &id.to_string(), event_id))
        });
        let is_heard = |event: &Send| !event.targets.is_empty() || !event.unroutable.is_empty();
        events.filter(is_heard).collect()
    }

    /// Whether the letter is about an event itself, or was given up by who receives events: such a
    /// one makes no further event, or there would be no end.
    fn is_event(&self, letter: &DeadLetter) -> bool {
        let receiver = self.routes.subscription(&letter.subscription);
        letter.message.topic == *dead_event::TOPIC
            || receiver.is_some_and(|sub| sub.topic.matches(dead_event::TOPIC))
    }
}
