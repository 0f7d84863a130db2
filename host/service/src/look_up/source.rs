//! What a look-up reads, whoever drives it: the host's threads, or a simulator.

use std::sync::Arc;
use std::time::Instant;

use wasmill_engine::story::{Filter, Place, Sought};
use wasmill_model::{Millis, Routes};
use wasmill_port::store::{BlockNumber, Blocks, Error, View};

use super::TIME_MAX;
use super::find::{Finding, FoundPage};
use super::reading::{Bounds, Extent, Kept, Reading};
use super::waiting::{self, Scanned};

/// The log and the view, as somebody who looks messages up may see them.
#[derive(Clone)]
pub struct Source {
    /// The log.
    pub blocks: Arc<dyn Blocks>,
    /// The view.
    pub view: Arc<dyn View>,
    /// How many partitions the data directory has.
    pub partitions: u16,
    /// How long topics keep messages.
    pub routes: Arc<Routes>,
    /// When somebody asked.
    pub now: Millis,
}

impl Source {
    /// As [`Handle::find_messages`](crate::Handle::find_messages), at a moment when the log is
    /// durable up to block `end`, and has all that was committed.
    ///
    /// # Errors
    /// [`Error`] if the store fails.
    pub fn find(
        &self,
        end: BlockNumber,
        filter: &Filter,
        before: Option<Place>,
        limit: usize,
    ) -> Result<FoundPage, Error> {
        let asker = Arc::new(());
        let bounds = Bounds {
            until: Instant::now() + TIME_MAX,
            asker: Arc::downgrade(&asker),
        };
        let mut finding = Finding::new(filter.clone(), before, limit);
        finding.read(&mut self.reading(end, bounds.clone())?)?;
        if finding.page.next.is_some() {
            return Ok(finding.page);
        }
        match self.scan(Sought::of_page(filter, before), &bounds)? {
            Some(scanned) => finding.read_waiting(&mut self.reading(end, bounds)?, scanned),
            None => Ok(finding.page),
        }
    }

    /// Begins to read the log up to block `end`.
    pub(super) fn reading(&self, end: BlockNumber, bounds: Bounds) -> Result<Reading, Error> {
        let mut reading = Reading {
            blocks: self.blocks.clone(),
            end,
            kept: Kept {
                routes: self.routes.clone(),
                now: self.now,
            },
            bounds,
            extent: Extent::default(),
        };
        reading.look_back()?;
        Ok(reading)
    }

    /// Reads from the view what waits; none if the log has all that there is to tell.
    pub(super) fn scan(&self, sought: Sought, bounds: &Bounds) -> Result<Option<Scanned>, Error> {
        let mut topics = self.routes.topics().iter();
        let hides = topics.any(|topic| topic.retention.is_some());
        if !hides && self.blocks.first()? == Some(0) {
            return Ok(None);
        }
        waiting::scan(&self.view, self.partitions, sought, bounds).map(Some)
    }
}
