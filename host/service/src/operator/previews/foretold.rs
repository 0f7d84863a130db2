//! What is told of what would come of a letter. What a handler does may be large; of what is told,
//! each part is bounded, and what is left out is counted.

use bytes::Bytes;
use wasmill_model::effects::{Delayed, Effects, Failure, Uniqueness};
use wasmill_model::record::Called;
use wasmill_model::reserved::{self, Entry};
use wasmill_model::{Decision, Half, Message, MessageId, Millis, Name, Target, half};
use wasmill_port::chosen::Rehearsed;

use super::excerpt::Excerpt;
use super::few::{BYTES_MAX as OF_A_KIND, Few, Written};

/// Kinds of things that are told.
const KINDS: usize = 11;
/// Most bytes of an answer with one of these: its kinds, and a cause.
pub(super) const BYTES_MAX: usize = KINDS * OF_A_KIND + (64 << 10);

/// What would come of a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foretold {
    /// Where it would go.
    pub target: Target,
    /// Whether it would be handled, or why not.
    pub result: Result<(), Failure>,
    /// Whether it failed since the guest trapped, or went past a limit.
    pub is_fault: bool,
    /// Whether its subscription would take it for a duplicate, and call no handler.
    pub is_duplicate: bool,
    /// The handler's call, if it came to that.
    pub called: Option<Called>,
    /// What would be committed.
    pub effects: ForetoldEffects,
    /// Half messages that would be prepared, whatever comes of it, with the names that the plugin
    /// gave them.
    pub prepared: Few<(Name, ForetoldMessage)>,
    /// Method and URL of the HTTP requests that it made in vain.
    pub requests: Few<String>,
    /// Whether it is granted files, which it did not have.
    pub lacks_files: bool,
}

impl Foretold {
    /// What is told of a rehearsal, in which these half messages were prepared.
    #[must_use]
    pub fn new(target: Target, rehearsed: Rehearsed, prepared: &[Half]) -> Self {
        let Rehearsed {
            outcome,
            is_fault,
            requests,
            requests_count,
            lacks_files,
        } = rehearsed;
        let mut told = Self {
            target,
            is_fault,
            is_duplicate: outcome.uniqueness == Uniqueness::Duplicate,
            called: outcome.call.map(|it| it.called),
            effects: outcome.result.as_ref().map(Into::into).unwrap_or_default(),
            result: outcome.result.map(drop),
            prepared: Few::default(),
            requests: Few::default(),
            lacks_files,
        };
        for half in prepared {
            let name = match &half.owner {
                half::Owner::Plugin { name, .. } => name.clone(),
                half::Owner::Producer { .. } => "".into(),
            };
            told.prepared.add(|| (name, (&*half.message).into()));
        }
        let untold = requests_count.saturating_sub(requests.len() as u64);
        for request in requests {
            told.requests.add(|| request);
        }
        told.requests.more += untold;
        told
    }

    /// Bytes of an answer with it, at most [`BYTES_MAX`].
    pub(super) fn bytes(&self) -> usize {
        let cause = self.result.as_ref().err();
        cause.map_or(0, |it| it.cause.answer_bytes())
            + self.effects.bytes()
            + self.prepared.bytes()
            + self.requests.bytes()
    }
}

/// What would be committed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ForetoldEffects {
    /// Messages sent.
    pub sent: Few<ForetoldMessage>,
    /// Messages for later.
    pub delayed: Few<ForetoldLater>,
    /// Entries of the key's state, with their values.
    pub written: Few<(Name, Excerpt)>,
    /// Entries of the key's state that would be gone.
    pub deleted: Few<Name>,
    /// Timers, by their names.
    pub timers_set: Few<(Name, ForetoldLater)>,
    /// The names of timers that would not ring.
    pub timers_cancelled: Few<Name>,
    /// Delayed messages that would not be delivered.
    pub recalled: Few<MessageId>,
    /// Ids that would be claimed.
    pub claimed: Few<Name>,
    /// Half messages that were prepared before.
    pub settled: Few<(MessageId, Decision)>,
}

impl From<&Effects> for ForetoldEffects {
    fn from(it: &Effects) -> Self {
        let mut told = Self::default();
        for send in &it.sends {
            told.sent.add(|| (&*send.message).into());
        }
        for delayed in &it.delayed {
            match &delayed.message.timer {
                Some(name) => told.timers_set.add(|| (name.clone(), delayed.into())),
                None => told.delayed.add(|| delayed.into()),
            }
        }
        for (name, value) in &it.writes {
            told.entry(name, value.as_ref());
        }
        for (half, decision) in &it.settled {
            told.settled.add(|| (half.message.id, *decision));
        }
        told
    }
}

impl ForetoldEffects {
    /// An entry that would be written, or deleted.
    fn entry(&mut self, name: &Name, value: Option<&Bytes>) {
        match (reserved::entry(name), value) {
            (None, _) if name.starts_with('\0') => {}
            (None, Some(value)) => self.written.add(|| (name.clone(), Excerpt::of(value))),
            (None, None) => self.deleted.add(|| name.clone()),
            (Some(Entry::Timer(timer)), None) => self.timers_cancelled.add(|| timer.into()),
            (Some(Entry::Recallable(id)), None) => self.recalled.add(|| id),
            (Some(Entry::Claim(id)), Some(_)) => self.claimed.add(|| id.into()),
            // What the host keeps for itself, and what is told with timers and half messages.
            (Some(_), _) => {}
        }
    }

    fn bytes(&self) -> usize {
        self.sent.bytes()
            + self.delayed.bytes()
            + self.written.bytes()
            + self.deleted.bytes()
            + self.timers_set.bytes()
            + self.timers_cancelled.bytes()
            + self.recalled.bytes()
            + self.claimed.bytes()
            + self.settled.bytes()
    }
}

/// A message that would be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForetoldMessage {
    /// All but the body.
    pub head: Message,
    /// The body.
    pub body: Excerpt,
}

impl From<&Message> for ForetoldMessage {
    fn from(whole: &Message) -> Self {
        Self {
            head: Message {
                body: Bytes::new(),
                ..whole.clone()
            },
            body: Excerpt::of(&whole.body),
        }
    }
}

/// A message that would be sent for later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForetoldLater {
    /// When it would be due.
    pub due: Millis,
    /// The message.
    pub message: ForetoldMessage,
}

impl From<&Delayed> for ForetoldLater {
    fn from(it: &Delayed) -> Self {
        Self {
            due: it.due,
            message: (&*it.message).into(),
        }
    }
}

impl Written for ForetoldMessage {
    fn answer_bytes(&self) -> usize {
        /// The quotes, comma and brackets of a header.
        const HEADER_BYTES: usize = 8;
        let Self { head, body } = self;
        let names = [Some(&head.topic), head.key.as_ref(), head.tag.as_ref()];
        let names = names.into_iter().flatten().map(Written::answer_bytes);
        let headers = head
            .headers
            .iter()
            .map(|it| it.answer_bytes() + HEADER_BYTES);
        names.chain(headers).sum::<usize>() + body.answer_bytes()
    }
}

impl Written for ForetoldLater {
    fn answer_bytes(&self) -> usize {
        self.message.answer_bytes()
    }
}

impl Written for Decision {
    fn answer_bytes(&self) -> usize {
        0
    }
}
