//! Looking messages up, as the service does, in the log and in what the view has waiting.

use wasmill_engine::story::{Filter, Found, Place};
use wasmill_model::Millis;
use wasmill_port::Clock;
use wasmill_port::store::Log;
use wasmill_service::{Extent, FoundPage, Source};

use super::{Dead, Host, PARTITIONS};

/// Messages on a page: few, so that there are several pages.
const PAGE_COUNT: usize = 5;

impl Host {
    /// All messages of a topic that are to be found, newest first; none unless all that was
    /// committed is durable.
    pub(crate) fn find(&self, topic: &str) -> Result<Option<Vec<Found>>, Dead> {
        if self.durable < self.barrier() {
            return Ok(None);
        }
        let source = Source {
            blocks: self.log.blocks(),
            view: self.view.clone(),
            partitions: PARTITIONS,
            routes: self.routes().clone(),
            now: self.sabotage.keeps(self.clock.now()),
        };
        let filter = Filter {
            key: None,
            topic: Some(topic.into()),
            correlation: None,
            from: Millis(0),
            to: Millis::MAX,
        };
        let (mut all, mut before) = (Vec::new(), None);
        loop {
            let page = self.find_page(&source, &filter, before)?;
            all.extend(page.messages);
            match page.next {
                Some(_) => before = page.next,
                None => return Ok(Some(all)),
            }
        }
    }

    /// A page of what is found, of all that the store has: dead only if a read of it was failed.
    fn find_page(
        &self,
        source: &Source,
        filter: &Filter,
        before: Option<Place>,
    ) -> Result<FoundPage, Dead> {
        let failures = self.store.failures();
        let page = source.find(self.durable, filter, before, PAGE_COUNT);
        if self.store.failures() > failures {
            return Err(Dead);
        }
        let page = page.unwrap_or_else(|error| panic!("a look-up on a store that works: {error}"));
        let Extent {
            cut_short,
            damaged,
            damage,
            ..
        } = &page.extent;
        assert!(
            !cut_short && *damaged == 0,
            "a look-up on a store that works is cut short ({cut_short}) or finds damage \
             ({damaged}, first {damage:?})"
        );
        Ok(page)
    }
}
