//! Finding messages by key, topic, flow and time.

use std::collections::HashSet;
use std::ops::ControlFlow;

use wasmill_engine::codec;
use wasmill_engine::story::{Filter, Finder, Found, Place, Sought};
use wasmill_model::{MessageId, Millis, Record};
use wasmill_port::Guests;
use wasmill_port::store::{BlockNumber, Error};

use super::reading::{Extent, Kept, Reading, Visited};
use super::waiting::Scanned;
use super::{ANSWER_BYTES_MAX, LookUp, LookUpError};
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
        self.look_up()?.find(filter, before, limit).await
    }
}

impl<G: Guests> LookUp<'_, G> {
    /// As [`Handle::find_messages`]: the log is read first, and only if all of it was, what waits
    /// besides.
    pub(super) async fn find(
        &self,
        filter: Filter,
        before: Option<Place>,
        limit: usize,
    ) -> Result<FoundPage, LookUpError> {
        let mut finding = Finding::new(filter.clone(), before, limit);
        let read = self.read(move |reading| {
            finding.read(reading)?;
            Ok(finding)
        });
        let finding = read.await?;
        if finding.page.next.is_some() {
            return Ok(finding.page);
        }
        let Some(scanned) = self.scan(Sought::of_page(&filter, before)).await? else {
            return Ok(finding.page);
        };
        self.read(move |reading| finding.read_waiting(reading, scanned))
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
        let end = match self.before {
            None => end,
            Some(Place::Logged { block, .. }) => end.min(block + 1),
            Some(Place::Waiting { .. }) => 0,
        };
        let kept = reading.kept.clone();
        let reached = reading.backward(end, |number, block| self.visit(&kept, number, block))?;
        self.page.extent = reading.extent.clone();
        if reading.extent.cut_short {
            self.page.next = Some(Place::Logged {
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
            if !self.add(found) {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Adds what waits, and is not to be found in the log.
    pub(super) fn read_waiting(
        mut self,
        reading: &mut Reading,
        scanned: Scanned,
    ) -> Result<FoundPage, Error> {
        let waiting = scanned.settled(reading)?;
        if let Some(waiting) = waiting.filter(|it| !it.is_empty()) {
            let logged = self.logged(reading, &waiting.ids())?;
            // What else is in the log cannot be told if that could not be read to its end.
            if !reading.extent.cut_short && waiting.found(&logged).all(|it| self.add(it)) {
                self.page.next = waiting.next();
            }
        }
        self.page.extent.add(&reading.extent);
        Ok(self.page)
    }

    /// Which of these messages the log has, where they are found.
    fn logged(
        &self,
        reading: &mut Reading,
        ids: &HashSet<MessageId>,
    ) -> Result<HashSet<MessageId>, Error> {
        let (kept, mut logged) = (reading.kept.clone(), HashSet::new());
        reading.forward(0, |number, block| {
            if !self.finder.wants(block) {
                return Ok(ControlFlow::Continue(()));
            }
            let at = codec::header(block)?.at;
            for encoded in codec::encoded_records(block)? {
                let encoded = encoded?;
                if !self.finder.wants(encoded) {
                    continue;
                }
                let record: Record = codec::decode(encoded)?;
                let found = self.finder.find(at, (number, 0), &record);
                let found = found.into_iter().map(|it| it.message);
                let found = found.filter(|it| ids.contains(&it.id) && kept.has(it));
                logged.extend(found.map(|it| it.id));
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(logged)
    }

    /// Adds one to the page, if there is room; else the page ends before it.
    fn add(&mut self, found: Found) -> bool {
        if self.page.messages.len() >= self.limit || self.bytes >= ANSWER_BYTES_MAX {
            self.page.next = self.page.messages.last().map(|last| last.place);
            return false;
        }
        self.bytes += found.message.footprint();
        self.page.messages.push(found);
        true
    }
}
