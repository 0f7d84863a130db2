//! Whether what was read of the engine and of the view fits together.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use wasmill_model::{PartitionId, Partitioner};
use wasmill_port::store::View;

/// How many checkpoints each partition began and ended.
///
/// One that begins after the engine was asked may put newer entries into the view: together they
/// would be a state that never was. One that ends after the view was read lets the engine forget
/// what that read did not find yet.
#[derive(Debug)]
pub(crate) struct Snapshots {
    partitioner: Partitioner,
    versions: Vec<AtomicU64>,
}

/// The view as any thread may read it, and whether what was read still fits the engine.
#[derive(Clone)]
pub(crate) struct VersionedView {
    pub(crate) view: Arc<dyn View>,
    pub(crate) snapshots: Arc<Snapshots>,
}

impl Snapshots {
    pub(crate) fn new(partitions: u16) -> Self {
        Self {
            partitioner: Partitioner::new(partitions),
            versions: (0..partitions).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// How keys map to partitions.
    pub(crate) fn partitioner(&self) -> Partitioner {
        self.partitioner
    }

    /// The version of a partition: unchanged for as long as what was read of the engine and of the
    /// view fits together.
    pub(crate) fn version(&self, PartitionId(partition): PartitionId) -> u64 {
        self.versions[usize::from(partition)].load(Ordering::Acquire)
    }

    /// A checkpoint of these partitions begins or ends.
    pub(crate) fn outdate(&self, partitions: Range<u16>) {
        for partition in partitions {
            self.versions[usize::from(partition)].fetch_add(1, Ordering::AcqRel);
        }
    }
}
