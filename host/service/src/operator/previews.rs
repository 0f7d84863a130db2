//! What a version of a plugin would do with dead letters, were they delivered again now: it handles
//! them over the state that is there, and nobody commits what comes of it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use wasmill_engine::dead_letters::{LetterId, Redrive, RedriveError};
use wasmill_model::effects::{Effects, Scope};
use wasmill_model::record::DeadLetter;
use wasmill_model::{Half, Message, Name, Target};
use wasmill_port::call::{Preparer, Preparing};
use wasmill_port::chosen::{Choose, Chosen, Rehearsed};
use wasmill_port::{Delivery, Guests, Run, RunContext};

use super::{OperateError, PIECE_BYTES, TRIES};
use crate::handle::Handle;

/// How long letters are previewed of which more are asked for.
const TIME_MAX: Duration = Duration::from_secs(20);
/// How long a letter is tried again for, since the state of its key moved on meanwhile.
const TRIES_TIME_MAX: Duration = Duration::from_secs(2);

/// What a version would do with a dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// The letter.
    pub id: LetterId,
    /// Where it would go; or why it cannot.
    pub target: Result<Target, RedriveError>,
    /// What would come of it; none if it cannot go there.
    pub rehearsed: Option<Rehearsed>,
    /// Half messages that would be prepared, whatever comes of it.
    pub prepared: Vec<Half>,
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

/// Which version is to handle letters, and where.
#[derive(Clone, Copy, Debug, Default)]
pub struct Through<'a> {
    /// Another subscription that gets them.
    pub to: Option<&'a Name>,
    /// The version, by its content hash or the first 8 or more of its digits.
    pub version: Option<&'a str>,
}

impl<G: Guests + Choose> Handle<G> {
    /// How letters of a subscription are redriven through a version. If none is named, the one that
    /// serves when they are delivered handles them.
    ///
    /// # Errors
    /// [`OperateError`] if the version must not handle them.
    pub async fn redrive_through(
        &self,
        subscription: &Name,
        through: Through<'_>,
    ) -> Result<Redrive, OperateError> {
        let mut redrive = Redrive::to(through.to);
        if let Some(version) = through.version {
            let plugin = self.plugin_of(subscription, through)?;
            let ready = self.shared.guests.make_ready(&plugin, version).await;
            redrive.version = Some(ready?);
        }
        Ok(redrive)
    }

    /// What a version would do with a dead letter; the one that serves if none is named.
    ///
    /// # Errors
    /// [`OperateError`] if there is no such letter, it cannot go there, or the version must not
    /// handle it.
    pub async fn preview(
        &self,
        id: &LetterId,
        through: Through<'_>,
    ) -> Result<Previews, OperateError> {
        let letter = self.dead_letter(id).await?;
        let (plugin, chosen) = self.choose(&id.subscription, through).await?;
        let redrive = Redrive::to(through.to);
        let preview = self.preview_one(&chosen, id, &letter, &redrive).await?;
        if let Err(refused) = preview.target {
            return Err(refused.into());
        }
        Ok(Previews {
            plugin,
            version: chosen.hash().clone(),
            previews: vec![preview],
            next: None,
        })
    }

    /// What a version would do with a subscription's dead letters after a given one: at most `limit`
    /// of them, or fewer if that takes long or comes to much.
    ///
    /// # Errors
    /// [`OperateError`] if they could not be read, or the version must not handle them.
    pub async fn previews(
        &self,
        subscription: &Name,
        through: Through<'_>,
        after: Option<&LetterId>,
        limit: usize,
    ) -> Result<Previews, OperateError> {
        let (plugin, chosen) = self.choose(subscription, through).await?;
        let redrive = Redrive::to(through.to);
        let page = self.dead_letters(Some(subscription), after, limit).await?;
        let (began, mut bytes) = (Instant::now(), 0);
        let (mut previews, mut next) = (Vec::new(), page.next);
        let count = page.letters.len();
        for (nth, it) in (1..).zip(page.letters) {
            let preview = self.preview_one(&chosen, &it.id, &it.letter, &redrive);
            let preview = match (preview.await, previews.last()) {
                // Those before it are told, and it comes first in what is asked for next.
                (Err(OperateError::Busy), Some(Preview { id, .. })) => {
                    next = Some(id.clone());
                    break;
                }
                (preview, _) => preview?,
            };
            bytes += footprint(&preview);
            previews.push(preview);
            if nth < count && (began.elapsed() >= TIME_MAX || bytes >= PIECE_BYTES) {
                next = Some(it.id);
                break;
            }
        }
        Ok(Previews {
            plugin,
            version: chosen.hash().clone(),
            previews,
            next,
        })
    }

    /// The version that is to handle letters of a subscription, and its plugin.
    async fn choose(
        &self,
        subscription: &Name,
        through: Through<'_>,
    ) -> Result<(Name, G::Chosen), OperateError> {
        let plugin = self.plugin_of(subscription, through)?;
        let chosen = self.shared.guests.choose(&plugin, through.version).await?;
        Ok((plugin, chosen))
    }

    /// The plugin that is to handle letters of a subscription.
    fn plugin_of(&self, subscription: &Name, through: Through<'_>) -> Result<Name, OperateError> {
        let name = through.to.unwrap_or(subscription);
        let routes = self.routes();
        let subscription = routes.subscription(name);
        let found = subscription.map(|it| it.plugin.clone());
        Ok(found.ok_or_else(|| RedriveError::UnknownSubscription(name.clone()))?)
    }

    async fn preview_one(
        &self,
        chosen: &G::Chosen,
        id: &LetterId,
        letter: &DeadLetter,
        redrive: &Redrive,
    ) -> Result<Preview, OperateError> {
        let mut preview = Preview {
            id: id.clone(),
            target: Err(RedriveError::Gone),
            rehearsed: None,
            prepared: Vec::new(),
        };
        match redrive.delivery(letter, &self.routes()) {
            Err(refused) => preview.target = Err(refused),
            Ok((message, target)) => {
                let (rehearsed, prepared) = self.rehearse(chosen, &message, &target).await?;
                preview.target = Ok(target);
                (preview.rehearsed, preview.prepared) = (Some(rehearsed), prepared);
            }
        }
        Ok(preview)
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

/// About how many bytes of memory a preview holds.
fn footprint(preview: &Preview) -> usize {
    let prepared = preview.prepared.iter().map(|half| half.message.footprint());
    let outcome = preview.rehearsed.as_ref().map(|it| &it.outcome.result);
    let effects = match outcome {
        Some(Ok(effects)) => bytes(effects),
        _ => 0,
    };
    effects + prepared.sum::<usize>()
}

fn bytes(effects: &Effects) -> usize {
    let sent = effects.sends.iter().map(|send| &send.message);
    let delayed = effects.delayed.iter().map(|delayed| &delayed.message);
    let messages = sent.chain(delayed).map(|message| message.footprint());
    let writes = effects.writes.iter();
    let values =
        writes.map(|(name, value)| name.len() + value.as_ref().map_or(0, bytes::Bytes::len));
    messages.chain(values).sum()
}
