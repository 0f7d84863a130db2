//! What operators see and do: on the engine's thread, a bounded piece at a time, and never more
//! than the disk takes.

mod dead_letters;
mod halted;
mod letters;
mod moves;
mod previews;
mod recall;
mod schedules;
mod through;
mod topics;
mod transactions;

use std::time::Duration;

use wasmill_engine::{Engine, MoveError, RedriveError};
use wasmill_model::Millis;
use wasmill_port::Guests;
use wasmill_port::plugins::ActError;
use wasmill_port::store::Error;

use crate::handle::{Handle, Stopped, operate};

pub use dead_letters::{Page, Redriven};
pub use letters::Letter;
pub(crate) use previews::Places;
pub use previews::{
    Excerpt, Few, Foretold, ForetoldEffects, ForetoldLater, ForetoldMessage, Preview, Previews,
};
pub use schedules::ScheduleStatus;
pub use through::Through;
pub use topics::{TopicPage, TopicStanding};
pub use transactions::{Transaction, Transactions};

/// Bytes of messages that one piece holds, or commits: more if a single message has more.
const PIECE_BYTES: usize = 4 << 20;
/// How often something is read anew because a checkpoint came between.
const TRIES: usize = 8;
/// How long what is to be done to many waits while the disk is behind.
const BEHIND_PAUSE: Duration = Duration::from_millis(50);

/// Why nothing came of an operator's wish.
#[derive(Debug, thiserror::Error)]
pub enum OperateError {
    /// There is no such dead letter.
    #[error("there is no such dead letter: it may have been redriven or purged")]
    NotFound,
    /// There is no such half message.
    #[error("there is no such transaction, or it was settled more than 72 h ago")]
    NoTransaction,
    /// A dead letter cannot be delivered again like this.
    #[error(transparent)]
    Refused(RedriveError),
    /// A version was chosen that must not handle messages.
    #[error(transparent)]
    Version(#[from] ActError),
    /// A subscription cannot be moved.
    #[error(transparent)]
    Move(#[from] MoveError),
    /// Checkpoints came between what was read, each time, or the disk is behind: ask again.
    #[error("the host is too busy for that now")]
    Busy,
    /// As many previews are being made as may be.
    #[error("the host has as many previews in hand as it can serve")]
    Previewing,
    /// The store failed.
    #[error("the store failed: {0}")]
    Store(#[from] Error),
    /// The host is stopping, or its store failed.
    #[error("the host is stopping")]
    Stopped,
}

impl From<Stopped> for OperateError {
    fn from(Stopped: Stopped) -> Self {
        Self::Stopped
    }
}

impl From<RedriveError> for OperateError {
    fn from(error: RedriveError) -> Self {
        match error {
            RedriveError::Gone => Self::NotFound,
            refused => Self::Refused(refused),
        }
    }
}

impl<G: Guests> Handle<G> {
    /// Does something on the engine's thread; what it returns comes back once it is durable.
    pub(crate) async fn operate<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Engine, Millis) -> T + Send + 'static,
    ) -> Result<T, Stopped> {
        operate(&self.shared.commands, act).await
    }

    fn partitions(&self) -> u16 {
        self.shared.versioned.snapshots.partitioner().count()
    }
}
