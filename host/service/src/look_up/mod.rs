//! Looking messages up: the log is read for whoever asks, on a thread of its own.
//!
//! Nothing is indexed, so nothing is paid for before somebody asks. A reading sees what was
//! committed when it began, and only what is durable. What waits for longer than the log is kept
//! is read from the view, before the log, which then says what became of it meanwhile.

mod find;
mod reading;
mod source;
mod trace;
mod waiting;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use wasmill_engine::story::Sought;
use wasmill_port::store::{Blocks, Error};
use wasmill_port::{Clock, Guests};

use crate::handle::{Handle, Stopped};

pub use find::FoundPage;
pub use reading::Extent;
use reading::{Bounds, Reading};
pub use source::Source;
pub use trace::Told;
use waiting::Scanned;

/// Readings at once: each keeps a processor busy.
const READINGS_MAX: usize = 2;
/// The longest that a reading takes; what it found until then is told.
const TIME_MAX: Duration = Duration::from_secs(20);
/// About how many bytes an answer has at most.
const ANSWER_BYTES_MAX: usize = 4 << 20;

/// Why nothing could be looked up.
#[derive(Debug, thiserror::Error)]
pub enum LookUpError {
    /// As many look-ups are in progress as there may be.
    #[error("the host has as many look-ups in hand as it can serve")]
    Busy,
    /// The store failed.
    #[error("the log could not be read: {0}")]
    Store(#[from] Error),
    /// The host is stopping, or its store failed.
    #[error("the host is stopping")]
    Stopped,
}

impl From<Stopped> for LookUpError {
    fn from(Stopped: Stopped) -> Self {
        Self::Stopped
    }
}

/// The log, and who may read it.
pub(crate) struct LookUps {
    blocks: Arc<dyn Blocks>,
    clock: Arc<dyn Clock>,
    places: Arc<Semaphore>,
}

impl LookUps {
    pub(crate) fn new(blocks: Arc<dyn Blocks>, clock: Arc<dyn Clock>) -> Self {
        Self {
            blocks,
            clock,
            places: Arc::new(Semaphore::new(READINGS_MAX)),
        }
    }
}

/// One look-up, which has a place among those at once until it is over.
struct LookUp<'a, G> {
    handle: &'a Handle<G>,
    place: Arc<OwnedSemaphorePermit>,
    source: Source,
    until: Instant,
    /// Whoever asked: readings end when they are gone.
    asker: Arc<()>,
}

impl<G: Guests> Handle<G> {
    fn look_up(&self) -> Result<LookUp<'_, G>, LookUpError> {
        let LookUps {
            blocks,
            clock,
            places,
        } = &self.shared.look_ups;
        let place = places.clone().try_acquire_owned();
        let versioned = &self.shared.versioned;
        Ok(LookUp {
            handle: self,
            place: Arc::new(place.map_err(|_| LookUpError::Busy)?),
            source: Source {
                blocks: blocks.clone(),
                view: versioned.view.clone(),
                partitions: versioned.snapshots.partitioner().count(),
                routes: self.routes(),
                now: clock.now(),
            },
            until: Instant::now() + TIME_MAX,
            asker: Arc::new(()),
        })
    }
}

impl<G: Guests> LookUp<'_, G> {
    /// Reads the log on a thread of its own.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&mut Reading) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, LookUpError> {
        // What is before the barrier is durable once that comes back; what is behind it may not be.
        let end = self.handle.operate(|engine, _| engine.barrier()).await?;
        let (source, bounds) = (self.source.clone(), self.bounds(self.until));
        self.on_a_thread(move || read(&mut source.reading(end, bounds)?))
            .await
    }

    /// Reads from the view what waits, on a thread of its own; none if the log has all that there
    /// is to tell. What reads the log must come after this, and settle it.
    async fn scan(&self, sought: Sought) -> Result<Option<Scanned>, LookUpError> {
        // The log must be read too.
        let remaining = self.until.saturating_duration_since(Instant::now());
        let bounds = self.bounds(Instant::now() + remaining / 2);
        let source = self.source.clone();
        self.on_a_thread(move || source.scan(sought, &bounds)).await
    }

    fn bounds(&self, until: Instant) -> Bounds {
        Bounds {
            until,
            asker: Arc::downgrade(&self.asker),
        }
    }

    async fn on_a_thread<T: Send + 'static>(
        &self,
        read: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, LookUpError> {
        let place = self.place.clone();
        let read = spawn_blocking(move || {
            let _place = place;
            read()
        });
        let panicked = |_| Error::new("read the log", "the reading panicked; see the host's log");
        Ok(read.await.map_err(panicked)??)
    }
}
