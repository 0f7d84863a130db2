//! What the engine asks of the view, a piece at a time: for those who drive an engine without
//! threads, as simulators and trials of plugins do.

use wasmill_engine::codec::{self, DecodeError};
use wasmill_engine::{Action, Engine, PageRef, layout};
use wasmill_model::PartitionId;
use wasmill_model::effects::Delayed;
use wasmill_port::store::{self, Change, View};

/// A piece of work on the view. Pieces are to be done in the order in which they were asked for.
#[derive(Debug)]
pub enum ViewWork {
    /// Write a page.
    Write(PageRef, Vec<u8>),
    /// Read a page, and report it.
    Load(PageRef),
    /// Read delayed messages, and report them.
    LoadTimers {
        /// The partition.
        partition: PartitionId,
        /// From this key of the view on.
        after: Vec<u8>,
        /// How many at most.
        limit: usize,
    },
}

/// Why a piece of work was not done.
#[derive(Debug, thiserror::Error)]
pub enum ViewWorkError {
    /// The view failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// What it has does not read back.
    #[error("the view is damaged: {0}")]
    Damaged(#[from] DecodeError),
    /// What was written is not there.
    #[error("the view is damaged: {0:?} is missing")]
    Missing(PageRef),
}

impl ViewWork {
    /// What `action` asks of the view; the action itself if it asks nothing of it.
    ///
    /// # Errors
    /// The action.
    pub fn of(action: Action) -> Result<Self, Action> {
        Ok(match action {
            Action::WritePage(page, bytes) => Self::Write(page, bytes),
            Action::LoadPage(page) => Self::Load(page),
            Action::LoadTimers {
                partition,
                after,
                limit,
            } => Self::LoadTimers {
                partition,
                after: Engine::timer_key(partition, after),
                limit,
            },
            other => return Err(other),
        })
    }

    /// Does it, and reports to the engine.
    ///
    /// # Errors
    /// [`ViewWorkError`] if the view fails, or has something else than was written.
    pub fn perform(self, view: &impl View, engine: &mut Engine) -> Result<(), ViewWorkError> {
        match self {
            Self::Write(page, bytes) => {
                view.write(vec![Change::put(place(&page), bytes.into())])?;
            }
            Self::Load(page) => match view.get(&place(&page))? {
                Some(bytes) => engine.page_loaded(&page, &bytes)?,
                None => return Err(ViewWorkError::Missing(page)),
            },
            Self::LoadTimers {
                partition,
                after,
                limit,
            } => {
                let entries = view.scan(&layout::timers(partition), &after, limit)?;
                let complete = entries.len() < limit;
                let batch: Result<Vec<Delayed>, _> = entries
                    .iter()
                    .map(|(_, value)| codec::decode(value))
                    .collect();
                engine.timers_loaded(partition, batch?, complete);
            }
        }
        Ok(())
    }
}

fn place(page: &PageRef) -> Vec<u8> {
    layout::page(page.partition, &page.subscription, &page.queue, page.number)
}
