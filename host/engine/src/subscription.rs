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
    /// The plugin whose lanes hold its messages, also when the routes no longer have it. None if
    /// they never had it since the start.
    pub(crate) plugin: Option<Name>,
    /// Whose state its handlers see, likewise: the lanes are those of this owner.
    pub(crate) owner: Option<Name>,
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
            plugin: definition
                .as_ref()
                .map(|definition| definition.plugin.clone()),
            owner: definition.as_ref().map(|definition| definition.owner()),
            definition,
            serving: false,
            external: false,
            running: 0,
            starved: VecDeque::new(),
            pending: 0,
            buried: 0,
        }
    }

    /// Takes the definition of the routes in force.
    pub(crate) fn define(&mut self, definition: Option<Arc<Subscription>>) {
        if let Some(definition) = &definition {
            self.plugin = Some(definition.plugin.clone());
            self.owner = Some(definition.owner());
        }
        self.definition = definition;
    }

    /// Whether its messages may be delivered at all.
    pub(crate) fn is_runnable(&self) -> bool {
        self.serving && self.definition.is_some()
    }

    /// How many more lanes may start a run.
    pub(crate) fn room(&self) -> usize {
        let definition = self.definition.as_ref();
        definition.map_or(0, |it| it.concurrency_max.saturating_sub(self.running))
    }
}
