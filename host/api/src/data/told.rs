//! Stories as JSON.

use serde::Serialize;
use utoipa::ToSchema;
use wasmill_model::record::Used;
use wasmill_model::{Decision, Millis, Name, Target};
use wasmill_service::story::{Did, Ending, Event, Handling, Place, Stored, Story, What};
use wasmill_service::{Extent, FoundPage, Told};

use super::Operator;
use super::pending::{Service, ShownPending};
use super::shown::{ShownMessage, show_message, time};
use super::waits::ShownWaits;
use crate::Platform;

/// A page of messages that were found.
#[derive(Serialize, ToSchema)]
pub(super) struct ShownPage {
    messages: Vec<ShownFound>,
    /// What to ask for `after` to see more; none if there are no more.
    next: Option<String>,
    log: ShownExtent,
}

#[derive(Serialize, ToSchema)]
struct ShownFound {
    at: String,
    stored: &'static str,
    message: ShownMessage,
}

/// A message and its story.
#[derive(Serialize, ToSchema)]
pub(super) struct ShownStory {
    message: ShownMessage,
    events: Vec<ShownEvent>,
    /// The subscriptions that are not done with it; none if the log could not be read to its end,
    /// or has gaps.
    pending: Option<Vec<ShownPending>>,
    log: ShownExtent,
}

/// The stories of a flow.
#[derive(Serialize, ToSchema)]
pub(super) struct ShownTrace {
    messages: Vec<ShownBranch>,
    log: ShownExtent,
}

/// A message in the tree of its flow.
#[derive(Serialize, ToSchema)]
struct ShownBranch {
    depth: usize,
    message: ShownMessage,
    events: Vec<ShownEvent>,
    /// The subscriptions that are not done with it; none if the log could not be read to its end,
    /// or has gaps. Flows that were left out do not matter here.
    pending: Option<Vec<ShownPending>>,
}

/// How far the log could be read.
#[derive(Serialize, ToSchema)]
struct ShownExtent {
    /// When it has everything; none if it is empty.
    since: Option<String>,
    /// Whether there was more to tell than one answer may: messages or flows were left out, or
    /// the log was not read to its end.
    cut_short: bool,
    /// How many parts of it could not be read.
    damaged: u64,
    /// What is wrong with the first of these.
    #[serde(skip_serializing_if = "Option::is_none")]
    damage: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct ShownEvent {
    at: String,
    partition: u16,
    #[serde(flatten)]
    what: ShownWhat,
}

#[derive(Serialize, ToSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
enum ShownWhat {
    Sent {
        to: Vec<ShownTarget>,
    },
    Delayed {
        due: String,
    },
    Due {
        to: Vec<ShownTarget>,
    },
    Arrived {
        to: Vec<ShownTarget>,
    },
    Unroutable {
        #[schema(value_type = String)]
        subscription: Name,
        cause: String,
    },
    Handled(Box<ShownHandling>),
    /// A half message that waits for a decision.
    Prepared {
        checks: u32,
        cause: Option<String>,
        abandoned: bool,
    },
    Committed {},
    RolledBack {},
    Cancelled {
        by: Option<String>,
    },
    Resumed {
        #[schema(value_type = String)]
        subscription: Name,
    },
    Redriven {
        to: Vec<ShownTarget>,
    },
    Replayed {
        to: Vec<ShownTarget>,
    },
    Purged {
        #[schema(value_type = String)]
        subscription: Name,
    },
    Waits(ShownWaits),
}

#[derive(Serialize, ToSchema)]
struct ShownTarget {
    #[schema(value_type = String)]
    subscription: Name,
    #[schema(value_type = Option<String>)]
    key: Option<Name>,
}

#[derive(Serialize, ToSchema)]
struct ShownHandling {
    #[schema(value_type = String)]
    subscription: Name,
    #[schema(value_type = Option<String>)]
    key: Option<Name>,
    #[schema(value_type = Option<String>)]
    plugin: Option<Name>,
    version: Option<String>,
    attempt: Option<u32>,
    duration_us: Option<u64>,
    fuel: Option<u64>,
    /// What the call used besides; null if nobody counted it.
    used: Option<ShownUsed>,
    outcome: &'static str,
    cause: Option<String>,
    /// When it is tried again.
    due: Option<String>,
    effects: ShownEffects,
}

#[derive(Serialize, ToSchema)]
struct ShownUsed {
    /// The most that its instance held.
    memory_bytes: u64,
    /// How much of it the call added.
    memory_grown_bytes: u64,
    host_calls: u32,
    /// Of the message's body.
    bytes_in: u64,
    /// Sent and written.
    bytes_out: u64,
}

#[derive(Serialize, ToSchema)]
struct ShownEffects {
    sent: Vec<String>,
    #[schema(value_type = Vec<String>)]
    written: Vec<Name>,
    #[schema(value_type = Vec<String>)]
    deleted: Vec<Name>,
    timers_set: Vec<ShownTimer>,
    #[schema(value_type = Vec<String>)]
    timers_cancelled: Vec<Name>,
    recalled: Vec<String>,
    #[schema(value_type = Vec<String>)]
    claimed: Vec<Name>,
}

#[derive(Serialize, ToSchema)]
struct ShownTimer {
    #[schema(value_type = String)]
    name: Name,
    message: String,
}

impl ShownPage {
    pub(super) fn of(page: &FoundPage) -> Self {
        let shown = page.messages.iter().map(|found| ShownFound {
            at: time(found.at),
            stored: match found.as_what {
                Stored::Sent => "sent",
                Stored::Delayed => "delayed",
                Stored::Due => "due",
                Stored::Prepared => "prepared",
                Stored::Queued => "queued",
                Stored::Dead => "dead_letter",
            },
            message: ShownMessage::bare(&found.message, found.body_bytes),
        });
        Self {
            messages: shown.collect(),
            next: page.next.as_ref().map(Place::to_string),
            log: extent(&page.extent),
        }
    }
}

impl ShownStory {
    pub(super) fn of<P: Platform + Operator>(
        story: &Story,
        read: &Extent,
        service: &Service<'_, P>,
    ) -> Self {
        Self {
            message: show_message(&story.message, true),
            events: story.events.iter().map(event).collect(),
            pending: service.pending(story, read),
            log: extent(read),
        }
    }
}

impl ShownTrace {
    pub(super) fn of<P: Platform + Operator>(told: &Told, service: &Service<'_, P>) -> Self {
        let branch = |(depth, story): &(usize, Story)| ShownBranch {
            depth: *depth,
            message: ShownMessage::bare(&story.message, story.body_bytes),
            events: story.events.iter().map(event).collect(),
            pending: service.pending(story, &told.extent),
        };
        Self {
            messages: told.stories.iter().map(branch).collect(),
            log: ShownExtent {
                cut_short: told.extent.cut_short || told.left_out,
                ..extent(&told.extent)
            },
        }
    }
}

fn extent(read: &Extent) -> ShownExtent {
    ShownExtent {
        since: read.since.map(time),
        cut_short: read.cut_short,
        damaged: read.damaged,
        damage: read.damage.clone(),
    }
}

fn event(event: &Event) -> ShownEvent {
    let what = match &event.what {
        What::Sent(to) => ShownWhat::Sent { to: targets(to) },
        What::Delayed { due } => ShownWhat::Delayed { due: time(*due) },
        What::Due(to) => ShownWhat::Due { to: targets(to) },
        What::Arrived(to) => ShownWhat::Arrived { to: targets(to) },
        What::Unroutable {
            subscription,
            cause,
        } => ShownWhat::Unroutable {
            subscription: subscription.clone(),
            cause: cause.clone(),
        },
        What::Handled(it) => ShownWhat::Handled(Box::new(handling(it))),
        What::Prepared {
            checks,
            cause,
            abandoned,
        } => ShownWhat::Prepared {
            checks: *checks,
            cause: cause.clone(),
            abandoned: *abandoned,
        },
        What::Decided(Decision::Commit) => ShownWhat::Committed {},
        What::Decided(Decision::RollBack) => ShownWhat::RolledBack {},
        What::Cancelled { by } => ShownWhat::Cancelled {
            by: by.map(|id| id.to_string()),
        },
        What::Resumed { subscription } => ShownWhat::Resumed {
            subscription: subscription.clone(),
        },
        What::Redriven(to) => ShownWhat::Redriven { to: targets(to) },
        What::Replayed(to) => ShownWhat::Replayed { to: targets(to) },
        What::Purged { subscription } => ShownWhat::Purged {
            subscription: subscription.clone(),
        },
        What::Waits(how) => ShownWhat::Waits(ShownWaits::of(how)),
    };
    ShownEvent {
        at: time(event.at),
        partition: event.partition.0,
        what,
    }
}

fn targets(targets: &[Target]) -> Vec<ShownTarget> {
    let shown = targets.iter().map(|target| ShownTarget {
        subscription: target.subscription.clone(),
        key: target.key.clone(),
    });
    shown.collect()
}

fn handling(handling: &Handling) -> ShownHandling {
    let handled = handling.handled.as_ref();
    let call = handled.and_then(|handled| handled.call);
    let (outcome, cause, due): (_, Option<&String>, Option<Millis>) = match &handling.outcome {
        Ending::Done => ("done", None, None),
        Ending::Skipped => ("skipped", None, None),
        Ending::Duplicate => ("duplicate", None, None),
        Ending::Dropped => ("dropped", None, None),
        Ending::Retry { cause, due, .. } => ("retry", Some(cause), Some(*due)),
        Ending::Halted { cause, .. } => ("halted", Some(cause), None),
        Ending::Dead { cause, .. } => ("dead_letter", Some(cause), None),
    };
    ShownHandling {
        subscription: handling.subscription.clone(),
        key: handling.key.clone(),
        plugin: handled.map(|handled| handled.plugin.clone()),
        version: call.map(|call| call.version.to_string()),
        attempt: handled.map(|handled| handled.attempt),
        duration_us: call.map(|call| call.duration_us),
        fuel: call.map(|call| call.fuel),
        used: handling.used.map(used),
        outcome,
        cause: cause.cloned(),
        due: due.map(time),
        effects: effects(&handling.did),
    }
}

fn used(it: Used) -> ShownUsed {
    let Used {
        memory_bytes,
        memory_grown_bytes,
        host_calls,
        bytes_in,
        bytes_out,
    } = it;
    ShownUsed {
        memory_bytes,
        memory_grown_bytes,
        host_calls,
        bytes_in,
        bytes_out,
    }
}

fn effects(did: &Did) -> ShownEffects {
    let timers = did.timers_set.iter().map(|(name, message)| ShownTimer {
        name: name.clone(),
        message: message.to_string(),
    });
    ShownEffects {
        sent: did.sent.iter().map(ToString::to_string).collect(),
        written: did.written.clone(),
        deleted: did.deleted.clone(),
        timers_set: timers.collect(),
        timers_cancelled: did.timers_cancelled.clone(),
        recalled: did.recalled.iter().map(ToString::to_string).collect(),
        claimed: did.claimed.clone(),
    }
}
