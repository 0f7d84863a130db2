//! Finding messages by key, topic, flow and time.

use std::ops::ControlFlow;

use wasmill_engine::codec;
use wasmill_engine::story::{Filter, Finder, Found, Place};
use wasmill_model::{Millis, Record};
use wasmill_port::Guests;
use wasmill_port::store::{BlockNumber, Error};

use super::reading::{Extent, Kept, Reading, Visited};
use super::{ANSWER_BYTES_MAX, LookUpError};
use crate::handle::Handle;

/// Some messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundPage {
    /// Newest first.
    pub messages: Vec<Found>,
    /// Before which place there may be more.
    pub next: Option<Place>,
    /// How far the log could be read.
    pub extent: Extent,
}

impl<G: Guests> Handle<G> {
    /// At most `limit` messages that meet `filter` and were stored before a place, newest first;
    /// fewer if they are large, or take long to find.
    ///
    /// # Errors
    /// [`LookUpError`] if the log could not be read.
    pub async fn find_messages(
        &self,
        filter: Filter,
        before: Option<Place>,
        limit: usize,
    ) -> Result<FoundPage, LookUpError> {
        self.read_log(move |reading| {
            let mut finding = Finding::new(filter, before, limit);
            finding.read(reading)?;
            Ok(finding.page)
        })
        .await
    }
}

/// What was found so far.
pub(super) struct Finding {
    finder: Finder,
    span: std::ops::Range<Millis>,
    before: Option<Place>,
    limit: usize,
    bytes: usize,
    pub(super) page: FoundPage,
}

impl Finding {
    pub(super) fn new(filter: Filter, before: Option<Place>, limit: usize) -> Self {
        Self {
            span: filter.from..filter.to,
            finder: Finder::new(filter),
            before,
            limit,
            bytes: 0,
            page: FoundPage::default(),
        }
    }

    pub(super) fn read(&mut self, reading: &mut Reading) -> Result<(), Error> {
        let end = match self.span.end {
            Millis::MAX => reading.end,
            to => reading.at(to)?,
        };
        let end = self.before.map_or(end, |place| end.min(place.block + 1));
        let kept = reading.kept.clone();
        let reached = reading.backward(end, |number, block| self.visit(&kept, number, block))?;
        self.page.extent = reading.extent.clone();
        if reading.extent.cut_short {
            self.page.next = Some(Place {
                block: reached,
                record: 0,
                op: 0,
            });
        }
        Ok(())
    }

    fn visit(&mut self, kept: &Kept, number: BlockNumber, block: &[u8]) -> Visited {
        let at = codec::header(block)?.at;
        if at < self.span.start {
            return Ok(ControlFlow::Break(()));
        }
        if !self.span.contains(&at) || !self.finder.wants(block) {
            return Ok(ControlFlow::Continue(()));
        }
        let mut found = Vec::new();
        for (nth, encoded) in (0..).zip(codec::encoded_records(block)?) {
            let encoded = encoded?;
            if self.finder.wants(encoded) {
                let record: Record = codec::decode(encoded)?;
                found.extend(self.finder.find(at, (number, nth), &record));
            }
        }
        for found in found.into_iter().rev() {
            let is_later = self.before.is_some_and(|before| found.place >= before);
            if is_later || !kept.has(&found.message) {
                continue;
            }
            if self.page.messages.len() >= self.limit || self.bytes >= ANSWER_BYTES_MAX {
                self.page.next = self.page.messages.last().map(|last| last.place);
                return Ok(ControlFlow::Break(()));
            }
            self.bytes += found.message.footprint();
            self.page.messages.push(found);
        }
        Ok(ControlFlow::Continue(()))
    }
}
