//! What a version of a plugin would do with dead letters, were they delivered again now: it handles
//! them over the state that is there, and nobody commits what comes of it.
//!
//! A handler may do more than an answer has room for, and hold more than many previews at once
//! should. So few are made at once, and of each only what is told is kept.

mod excerpt;
mod few;
mod foretold;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::spawn_blocking;
use tokio::time::Instant;
use wasmill_engine::dead_letters::{LetterId, Redrive, RedriveError};
use wasmill_model::effects::Scope;
use wasmill_model::record::DeadLetter;
use wasmill_model::{Half, Message, Name, Target};
use wasmill_port::call::{Preparer, Preparing};
use wasmill_port::chosen::{Choose, Chosen, Rehearsed};
use wasmill_port::store::Error;
use wasmill_port::{Delivery, Guests, Run, RunContext};

use super::{OperateError, TRIES, Through};
use crate::handle::Handle;

pub use excerpt::Excerpt;
pub use few::Few;
pub use foretold::{Foretold, ForetoldEffects, ForetoldLater, ForetoldMessage};

/// Requests for previews at once: each may hold what a call may do, and keeps a processor busy.
const AT_ONCE_MAX: usize = 2;
/// Most bytes of an answer.
const ANSWER_BYTES_MAX: usize = 4 << 20;
/// Bytes of an answer with a preview, besides what is foretold.
const FRAME_BYTES: usize = 8 << 10;
/// How long letters are previewed of which more are asked for.
const TIME_MAX: Duration = Duration::from_secs(20);
/// How long a letter is tried again for, since the state of its key moved on meanwhile.
const TRIES_TIME_MAX: Duration = Duration::from_secs(2);

/// What a version would do with a dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// The letter.
    pub id: LetterId,
    /// What would come of it; or why it cannot go where it is to.
    pub foretold: Result<Foretold, RedriveError>,
}

/// What a version would do with some dead letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Previews {
    /// The plugin.
    pub plugin: Name,
    /// The content hash of the version.
    pub version: Name,
    /// In the order of the letters.
    pub previews: Vec<Preview>,
    /// After which letter there may be more.
    pub next: Option<LetterId>,
}

/// Places of requests for previews.
#[derive(Debug)]
pub(crate) struct Places(Semaphore);

impl Default for Places {
    fn default() -> Self {
        Self(Semaphore::new(AT_ONCE_MAX))
    }
}

impl Places {
    fn enter(&self) -> Result<SemaphorePermit<'_>, OperateError> {
        let place = self.0.try_acquire();
        place.map_err(|_| OperateError::Previewing)
    }
}

impl<G: Guests + Choose> Handle<G> {
    /// What a version would do with a dead letter; the one that serves if none is named.
    ///
    /// # Errors
    /// [`OperateError`] if there is no such letter, it cannot go there, the version must not handle
    /// it, or too many ask at once.
    pub async fn preview(
        &self,
        id: &LetterId,
        through: Through<'_>,
    ) -> Result<Previews, OperateError> {
        let _place = self.shared.previews.enter()?;
        let letter = self.dead_letter(id).await?;
        let (plugin, chosen) = self.choose(&id.subscription, through).await?;
        let redrive = Redrive::to(through.to);
        let foretold = self.foretell(&chosen, &letter, &redrive).await??;
        Ok(Previews {
            plugin,
            version: chosen.hash().into(),
            previews: vec![Preview {
                id: id.clone(),
                foretold: Ok(foretold),
            }],
            next: None,
        })
    }

    /// What a version would do with a subscription's dead letters after a given one: at most `limit`
    /// of them, or fewer if that takes long or comes to much.
    ///
    /// # Errors
    /// [`OperateError`] if they could not be read, the version must not handle them, or too many ask
    /// at once.
    pub async fn previews(
        &self,
        subscription: &Name,
        through: Through<'_>,
        after: Option<&LetterId>,
        limit: usize,
    ) -> Result<Previews, OperateError> {
        let _place = self.shared.previews.enter()?;
        let (plugin, chosen) = self.choose(subscription, through).await?;
        let redrive = Redrive::to(through.to);
        let page = self.dead_letters(Some(subscription), after, limit).await?;
        let until = Instant::now() + TIME_MAX;
        let mut answer = Answer::default();
        let mut next = page.next;
        for it in page.letters {
            // There is one at least: a request that tells nothing could only be asked again.
            if let Some(last) = answer.last()
                && (!answer.has_room() || Instant::now() >= until)
            {
                next = Some(last.clone());
                break;
            }
            let foretold = match self.foretell(&chosen, &it.letter, &redrive).await {
                // Those before it are told, and it comes first in what is asked for next.
                Err(OperateError::Busy) if answer.last().is_some() => {
                    next = answer.last().cloned();
                    break;
                }
                foretold => foretold?,
            };
            answer.push(it.id, foretold);
        }
        Ok(Previews {
            plugin,
            version: chosen.hash().into(),
            previews: answer.previews,
            next,
        })
    }

    /// What would come of a letter; or why it cannot go where it is to.
    async fn foretell(
        &self,
        chosen: &G::Chosen,
        letter: &DeadLetter,
        redrive: &Redrive,
    ) -> Result<Result<Foretold, RedriveError>, OperateError> {
        let (message, target) = match redrive.delivery(letter, &self.routes()) {
            Ok(delivery) => delivery,
            Err(refused) => return Ok(Err(refused)),
        };
        let (rehearsed, prepared) = self.rehearse(chosen, &message, &target).await?;
        // Hashes of large values take a while.
        let told = spawn_blocking(move || Foretold::new(target, rehearsed, &prepared));
        let panicked = |_| Error::new("tell a preview", "that panicked; see the host's log");
        Ok(Ok(told.await.map_err(panicked)?))
    }

    /// Has a version handle a message over a state that is whole.
    async fn rehearse(
        &self,
        chosen: &G::Chosen,
        message: &Arc<Message>,
        target: &Target,
    ) -> Result<(Rehearsed, Vec<Half>), OperateError> {
        let snapshots = &self.shared.versioned.snapshots;
        let key = target.key.as_deref();
        let partition = snapshots.partitioner().of_message(key, message.id);
        let began = Instant::now();
        for _ in 0..TRIES {
            let before = snapshots.version(partition);
            let noted = Arc::new(Noted::default());
            let run = self.rehearsal(message, target, noted.clone()).await?;
            let rehearsed = chosen.rehearse(run).await;
            // Without a key there is no state that could have changed.
            if key.is_none() || before == snapshots.version(partition) {
                return Ok((rehearsed, noted.take()));
            }
            if began.elapsed() >= TRIES_TIME_MAX {
                break;
            }
        }
        Err(OperateError::Busy)
    }

    /// A run of one message over the durable state of its key.
    async fn rehearsal(
        &self,
        message: &Arc<Message>,
        target: &Target,
        preparer: Arc<Noted>,
    ) -> Result<Run, OperateError> {
        let routes = self.routes();
        let Target { subscription, key } = target.clone();
        let owner = routes.subscription(&subscription).map(|it| it.owner());
        let owner = owner.ok_or(RedriveError::UnknownSubscription(subscription.clone()))?;
        let scope = key.clone().map(|key| Scope {
            plugin: owner.clone(),
            key,
        });
        let recent = match scope {
            Some(scope) => self.operate(move |engine, _| engine.recent(&scope)).await?,
            None => Arc::default(),
        };
        let context = RunContext {
            routes,
            reader: self.shared.reader.clone(),
            clock: self.shared.clock.clone(),
            preparer: Some(preparer),
        };
        let delivery = Delivery {
            subscription,
            key,
            message: message.clone(),
            attempt: 1,
        };
        Ok(Run::new(
            context,
            owner,
            vec![delivery],
            recent,
            Duration::MAX,
        ))
    }
}

/// Previews that go into one answer.
#[derive(Debug, Default)]
struct Answer {
    previews: Vec<Preview>,
    bytes: usize,
}

impl Answer {
    /// Whether there is room for another one, whatever it is.
    fn has_room(&self) -> bool {
        self.bytes + FRAME_BYTES + foretold::BYTES_MAX <= ANSWER_BYTES_MAX
    }

    fn push(&mut self, id: LetterId, foretold: Result<Foretold, RedriveError>) {
        self.bytes += FRAME_BYTES + foretold.as_ref().map_or(0, Foretold::bytes);
        self.previews.push(Preview { id, foretold });
    }

    fn last(&self) -> Option<&LetterId> {
        self.previews.last().map(|it| &it.id)
    }
}

/// Notes half messages, and prepares none.
#[derive(Default)]
struct Noted(Mutex<Vec<Half>>);

impl Noted {
    fn take(&self) -> Vec<Half> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Preparer for Noted {
    fn prepare(&self, _run: u64, half: Half) -> Preparing<'_> {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        noted.push(half);
        Box::pin(async { Ok(()) })
    }
}

#[cfg(test)]
mod tests {
    use wasmill_model::effects::{Effects, Outcome};
    use wasmill_model::{MessageId, Millis, PartitionId};

    use super::*;

    /// What is told of a handler that did much.
    fn much() -> Foretold {
        let message = Message {
            id: MessageId(1),
            topic: "t".into(),
            key: None,
            tag: None,
            headers: vec![("h".into(), "\u{1}".repeat(1 << 10).into())],
            body: vec![1; 1 << 20].into(),
            produced_at: Millis(0),
            correlation: MessageId(1),
            causation: None,
            timer: None,
        };
        let sent = wasmill_model::effects::Send {
            topic: None,
            message: Arc::new(message),
            targets: Vec::new(),
            unroutable: Vec::new(),
        };
        let effects = Effects {
            sends: vec![sent; 1_000],
            ..Effects::default()
        };
        let rehearsed = Rehearsed {
            outcome: Outcome::from(Ok(effects)),
            is_fault: false,
            requests: Vec::new(),
            requests_count: 0,
            lacks_files: false,
        };
        let target = Target {
            subscription: "s".into(),
            key: None,
        };
        Foretold::new(target, rehearsed, &[])
    }

    #[test]
    fn an_answer_ends_before_it_is_too_large() {
        let (mut answer, much) = (Answer::default(), much());
        assert!(much.bytes() > 64 << 10 && much.bytes() <= foretold::BYTES_MAX);
        for seq in 0..100 {
            if !answer.has_room() {
                break;
            }
            let id = LetterId {
                partition: PartitionId(0),
                seq,
                subscription: "s".into(),
            };
            answer.push(id, Ok(much.clone()));
        }
        assert!((10..100).contains(&answer.previews.len()));
        assert!(answer.bytes <= ANSWER_BYTES_MAX);
    }

    #[test]
    fn few_ask_at_once_and_others_are_told_to_come_again() {
        let places = Places::default();
        let taken: Vec<_> = (0..AT_ONCE_MAX).map(|_| places.enter()).collect();
        assert!(taken.iter().all(Result::is_ok));
        assert!(matches!(places.enter(), Err(OperateError::Previewing)));
        drop(taken);
        assert!(places.enter().is_ok());
    }
}
