//! Looking messages up: the log is read for whoever asks, on a thread of its own.
//!
//! Nothing is indexed, so nothing is paid for before somebody asks. A reading sees what was
//! committed when it began, and only what is durable.

mod find;
mod reading;
mod trace;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use wasmill_port::Guests;
use wasmill_port::store::{Blocks, Error};

use crate::handle::{Handle, Stopped};

pub use find::FoundPage;
pub use reading::Extent;
use reading::{Kept, Reading};
pub use trace::Told;

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
    places: Arc<Semaphore>,
}

impl LookUps {
    pub(crate) fn new(blocks: Arc<dyn Blocks>) -> Self {
        Self {
            blocks,
            places: Arc::new(Semaphore::new(READINGS_MAX)),
        }
    }
}

impl<G: Guests> Handle<G> {
    /// Reads the log on a thread of its own.
    async fn read_log<T: Send + 'static>(
        &self,
        read: impl FnOnce(&mut Reading) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, LookUpError> {
        let LookUps { blocks, places } = &self.shared.look_ups;
        let place = places.clone().try_acquire_owned();
        let place = place.map_err(|_| LookUpError::Busy)?;
        // What is before the barrier is durable once that comes back; what is behind it may not be.
        let asked = self.operate(|engine, now| (engine.barrier(), now));
        let (end, now) = asked.await?;
        let asker = Arc::new(());
        let mut reading = Reading {
            blocks: blocks.clone(),
            end,
            kept: Kept {
                routes: self.routes(),
                now,
            },
            until: Instant::now() + TIME_MAX,
            asker: Arc::downgrade(&asker),
            extent: Extent::default(),
        };
        let reading = spawn_blocking(move || {
            let _place = place;
            reading.look_back()?;
            read(&mut reading)
        });
        let read = reading.await;
        drop(asker);
        let panicked = |_| Error::new("read the log", "the reading panicked; see the host's log");
        Ok(read.map_err(panicked)??)
    }
}
