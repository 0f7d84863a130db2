//! Which snapshots still fit the view: a query's state is read from both.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use wasmill_model::effects::Scope;
use wasmill_model::{PartitionId, Partitioner};

/// How many checkpoints each partition began. One that begins after a snapshot was taken may put
/// newer entries into the view: together they would be a state that never was.
#[derive(Debug)]
pub(crate) struct Snapshots {
    partitioner: Partitioner,
    begun: Vec<AtomicU64>,
}

impl Snapshots {
    pub(crate) fn new(partitions: u16) -> Self {
        Self {
            partitioner: Partitioner::new(partitions),
            begun: (0..partitions).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// The version of a scope's view: unchanged for as long as snapshots fit it.
    pub(crate) fn version(&self, scope: &Scope) -> u64 {
        let PartitionId(partition) = self.partitioner.of(&scope.key);
        self.begun[usize::from(partition)].load(Ordering::Acquire)
    }

    /// A checkpoint of these partitions begins.
    pub(crate) fn outdate(&self, partitions: Range<u16>) {
        for partition in partitions {
            self.begun[usize::from(partition)].fetch_add(1, Ordering::AcqRel);
        }
    }
}
