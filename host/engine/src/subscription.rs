//! A subscription as the engine runs it, over all partitions.

use std::collections::VecDeque;
use std::sync::Arc;

use wasmill_model::routes::Subscription;
use wasmill_model::{Name, PartitionId};

use crate::lane::LaneId;

/// A subscription's index, stable while the process lives.
pub(crate) type SubIndex = usize;

/// One subscription.
#[derive(Debug)]
pub(crate) struct SubState {
    pub(crate) name: Name,
    /// None for one that the routes no longer have: its messages are kept, and not delivered.
    pub(crate) definition: Option<Arc<Subscription>>,
    /// Whether its plugin is in service.
    pub(crate) serving: bool,
    /// Whether its plugin acts outside its commits.
    pub(crate) external: bool,
    /// Runs under way.
    pub(crate) running: usize,
    /// Lanes that wait for a run to end.
    pub(crate) starved: VecDeque<(PartitionId, LaneId)>,
    /// Messages that wait or run, over all partitions.
    pub(crate) pending: u64,
    /// Messages given up since the process began.
    pub(crate) buried: u64,
}

impl SubState {
    pub(crate) fn new(name: Name, definition: Option<Arc<Subscription>>) -> Self {
        Self {
            name,
            definition,
            serving: false,
            external: false,
            running: 0,
            starved: VecDeque::new(),
            pending: 0,
            buried: 0,
        }
    }

    /// The plugin; a subscription without a definition has none.
    pub(crate) fn plugin(&self) -> Option<&Name> {
        self.definition
            .as_ref()
            .map(|definition| &definition.plugin)
    }

    /// Whether a lane may start another run.
    pub(crate) fn has_room(&self) -> bool {
        self.definition
            .as_ref()
            .is_some_and(|d| self.running < d.concurrency_max)
    }
}
