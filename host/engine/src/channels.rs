//! The outbox: how a message travels from one partition to another exactly once.
//!
//! The sender's record numbers what it sends to each partition; the receiver's record says which
//! number it has taken. What was sent and not yet taken is sent again after a restart; what was
//! taken before is dropped.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use wasmill_model::{Message, PartitionId, Target};

/// A message on its way to another partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct InTransit {
    pub(crate) message: Arc<Message>,
    pub(crate) targets: Vec<Target>,
}

/// One partition's ends of its channels to all others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Channels {
    next_out: BTreeMap<PartitionId, u64>,
    next_in: BTreeMap<PartitionId, u64>,
    in_transit: BTreeMap<(PartitionId, u64), InTransit>,
}

impl Channels {
    /// The number that the next message to `to` gets.
    pub(crate) fn next_out(&self, to: PartitionId) -> u64 {
        self.next_out.get(&to).copied().unwrap_or(0)
    }

    /// Notes that a message was sent.
    pub(crate) fn sent(&mut self, to: PartitionId, number: u64, message: InTransit) {
        self.next_out.insert(to, number + 1);
        self.in_transit.insert((to, number), message);
    }

    /// A message in transit.
    pub(crate) fn get(&self, to: PartitionId, number: u64) -> Option<&InTransit> {
        self.in_transit.get(&(to, number))
    }

    /// Whether the message is still to be taken; false for one that was taken before.
    pub(crate) fn expects(&self, from: PartitionId, number: u64) -> bool {
        number >= self.next_in.get(&from).copied().unwrap_or(0)
    }

    /// Notes that a message was taken.
    pub(crate) fn received(&mut self, from: PartitionId, number: u64) {
        self.next_in.insert(from, number + 1);
    }

    /// The receiver has taken the message: it is in transit no more.
    pub(crate) fn delivered(&mut self, to: PartitionId, number: u64) {
        self.in_transit.remove(&(to, number));
    }

    /// What was sent and not taken, in order.
    pub(crate) fn in_transit(&self) -> Vec<(PartitionId, u64)> {
        self.in_transit.keys().copied().collect()
    }
}
