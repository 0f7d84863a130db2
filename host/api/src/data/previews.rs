//! `/v1/dead-letters/preview` and its like: what a version of a plugin would do with dead letters.

use axum::extract::State as Extracted;
use axum::http::Uri;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;
use wasmill_model::effects::{Delayed, Effects, Failure, FailureKind, Outcome, Uniqueness};
use wasmill_model::reserved::{self, Entry};
use wasmill_model::{Decision, Half, Name, Target, half};
use wasmill_port::chosen::Rehearsed;
use wasmill_service::{Preview, Previews, Through};

use super::answers::{Always, Missing, Refusing};
use super::dead_letters::{ID, parse};
use super::form::{Segment, json, query};
use super::shown::{ShownMessage, as_text, show_message, time};
use super::subscriptions::known;
use super::{Operator, Routes, Shared};
use crate::Platform;
use crate::error::Error;

/// Letters of one request, unless it says otherwise, and at most.
const COUNT: usize = 10;
const COUNT_MAX: usize = 100;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct OfOne {
    /// Another subscription that would get it; its own if not given.
    to: Option<String>,
    /// The version of that subscription's plugin that would handle it, by its content hash or the
    /// first 8 or more of its digits; the one that serves if not given.
    version: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct OfMany {
    /// Letters of this subscription.
    subscription: String,
    /// Another subscription that would get them; their own if not given.
    to: Option<String>,
    /// The version of that subscription's plugin that would handle them, by its content hash or the
    /// first 8 or more of its digits; the one that serves if not given.
    version: Option<String>,
    /// Only those after this one: what an earlier answer had as `next`.
    #[param(pattern = "^[0-9]+[.][0-9]+[.].+$")]
    after: Option<String>,
    /// How many at most; 10 if not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<usize>,
}

/// What a version would do with dead letters.
#[derive(Serialize, ToSchema)]
#[schema(as = Previews)]
struct ShownPreviews {
    #[schema(value_type = String)]
    plugin: Name,
    /// The content hash of the version.
    #[schema(value_type = String)]
    version: Name,
    /// Each letter by itself: none sees what another would do.
    #[schema(max_items = 100)]
    previews: Vec<ShownPreview>,
    /// What to ask for `after` to see more; none if there are no more.
    next: Option<String>,
}

/// What a version would do with a dead letter.
#[derive(Serialize, ToSchema)]
#[schema(as = Preview)]
struct ShownPreview {
    /// `PARTITION.NUMBER.SUBSCRIPTION`.
    id: String,
    /// Where it would go.
    #[schema(value_type = Option<String>)]
    subscription: Option<Name>,
    /// The key that it would have there.
    #[schema(value_type = Option<String>)]
    key: Option<Name>,
    /// `ok`, `retry` or `reject`, as the handler says; `fault`: it trapped, or went past a limit;
    /// `duplicate`: no handler would be called; `busy`: try again; or `refused`: it cannot go there.
    outcome: &'static str,
    /// Why, unless it is `ok`.
    cause: Option<String>,
    fuel: Option<u64>,
    duration_us: Option<u64>,
    /// What would be committed: nothing, unless it is `ok`.
    effects: ShownEffects,
    /// Half messages that would be prepared, whatever the outcome.
    prepared: Vec<ShownHalf>,
    /// Method and URL of the HTTP requests that it made, of which the first 64 are told. None was
    /// sent: each failed, and what it would do with an answer is not known.
    requests: Vec<String>,
    requests_count: u64,
    /// Whether the plugin is granted files, which it did not have.
    without_files: bool,
}

/// What a handler would have committed.
#[derive(Default, Serialize, ToSchema)]
#[schema(as = PreviewedEffects)]
struct ShownEffects {
    /// Messages, with their bodies.
    sent: Vec<ShownMessage>,
    /// Messages for later.
    delayed: Vec<ShownLater>,
    written: Vec<ShownEntry>,
    #[schema(value_type = Vec<String>)]
    deleted: Vec<Name>,
    timers_set: Vec<ShownTimer>,
    #[schema(value_type = Vec<String>)]
    timers_cancelled: Vec<Name>,
    /// The ids of messages that would not be delivered.
    recalled: Vec<String>,
    claimed: Vec<String>,
    /// Half messages that were prepared before.
    settled: Vec<ShownSettled>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = PreviewedMessage)]
struct ShownLater {
    #[schema(format = DateTime)]
    due: String,
    message: ShownMessage,
}

/// An entry of the key's state.
#[derive(Serialize, ToSchema)]
#[schema(as = PreviewedEntry)]
struct ShownEntry {
    #[schema(value_type = String)]
    name: Name,
    /// The value, if it is text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    value: Option<String>,
    /// The value in base64, if it is no text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    value_base64: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = PreviewedTimer)]
struct ShownTimer {
    #[schema(value_type = String)]
    name: Name,
    #[schema(format = DateTime)]
    due: String,
    message: ShownMessage,
}

#[derive(Serialize, ToSchema)]
#[schema(as = PreviewedHalf)]
struct ShownHalf {
    /// The name that the plugin gave it.
    #[schema(value_type = String)]
    name: Name,
    message: ShownMessage,
}

#[derive(Serialize, ToSchema)]
#[schema(as = PreviewedDecision)]
struct ShownSettled {
    /// The half message's id.
    message: String,
    /// `commit` or `rollback`.
    decision: &'static str,
}

pub(super) fn routes<P: Platform + Operator>() -> Routes<P> {
    Routes::new()
        .routes(routes!(preview_all))
        .routes(routes!(preview))
}

/// Show what a version would do with a dead letter: nothing of it is done.
#[utoipa::path(post, path = "/v1/dead-letters/{id}/preview", tag = "dead letters",
    operation_id = "preview_dead_letter", params(("id" = String, Path, description = ID), OfOne),
    responses((status = 200, description = "What it would do.", body = ShownPreviews),
        Always, Missing, Refusing))]
async fn preview<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    Segment(id): Segment,
    uri: Uri,
) -> Result<Response, Error> {
    let id = parse("id", &id)?;
    let OfOne { to, version } = query(&uri)?;
    let to = to.map(Name::from);
    let through = Through {
        to: to.as_ref(),
        version: version.as_deref(),
    };
    let previews = state.platform()?.preview(&id, through).await?;
    Ok(json(&shown(previews)))
}

/// Show what a version would do with a subscription's dead letters: nothing of it is done.
#[utoipa::path(post, path = "/v1/dead-letters/preview", tag = "dead letters",
    operation_id = "preview_dead_letters", params(OfMany),
    responses((status = 200,
        description = "As many as asked for, or fewer if that takes long or comes to much.",
        body = ShownPreviews), Always, Missing, Refusing))]
async fn preview_all<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    uri: Uri,
) -> Result<Response, Error> {
    let OfMany {
        subscription,
        to,
        version,
        after,
        limit,
    } = query(&uri)?;
    let limit = limit.unwrap_or(COUNT);
    if !(1..=COUNT_MAX).contains(&limit) {
        let detail = format!("`limit` is from 1 to {COUNT_MAX}");
        return Err(Error::bad("limit", detail));
    }
    let after = after.map(|it| parse("after", &it)).transpose()?;
    let (subscription, to) = (Name::from(subscription), to.map(Name::from));
    let through = Through {
        to: to.as_ref(),
        version: version.as_deref(),
    };
    let platform = state.platform()?;
    let previews = platform.previews(&subscription, through, after.as_ref(), limit);
    let previews = previews.await?;
    if previews.previews.is_empty() {
        known(platform, subscription).await?;
    }
    Ok(json(&shown(previews)))
}

fn shown(it: Previews) -> ShownPreviews {
    ShownPreviews {
        plugin: it.plugin,
        version: it.version,
        previews: it.previews.into_iter().map(one).collect(),
        next: it.next.map(|id| id.to_string()),
    }
}

fn one(it: Preview) -> ShownPreview {
    let (target, refused) = match it.target {
        Ok(target) => (Some(target), None),
        Err(refused) => (None, Some(refused.to_string())),
    };
    let (subscription, key) = match target {
        Some(Target { subscription, key }) => (Some(subscription), key),
        None => (None, None),
    };
    let rehearsed = it.rehearsed.as_ref();
    let call = rehearsed.and_then(|it| it.outcome.call);
    let (outcome, cause) = match rehearsed {
        None => ("refused", refused),
        Some(it) => ending(it),
    };
    let done = rehearsed.and_then(|it| it.outcome.result.as_ref().ok());
    ShownPreview {
        id: it.id.to_string(),
        subscription,
        key,
        outcome,
        cause,
        fuel: call.map(|it| it.called.fuel),
        duration_us: call.map(|it| it.called.duration_us),
        effects: done.map(effects).unwrap_or_default(),
        prepared: it.prepared.iter().map(prepared).collect(),
        requests_count: rehearsed.map_or(0, |it| it.requests_count),
        without_files: rehearsed.is_some_and(|it| it.lacks_files),
        requests: it.rehearsed.map_or_else(Vec::new, |it| it.requests),
    }
}

/// How a call ended, and why, unless it was well.
fn ending(it: &Rehearsed) -> (&'static str, Option<String>) {
    let Outcome {
        result, uniqueness, ..
    } = &it.outcome;
    match result {
        Ok(_) if *uniqueness == Uniqueness::Duplicate => {
            let why = "the subscription handled a message of its id, and remembers it";
            ("duplicate", Some(why.to_owned()))
        }
        Ok(_) => ("ok", None),
        Err(Failure { kind, cause }) => {
            let outcome = match kind {
                _ if it.is_fault => "fault",
                FailureKind::Retry | FailureKind::RetryAfter(_) => "retry",
                FailureKind::Reject => "reject",
                FailureKind::Unavailable => "busy",
            };
            (outcome, Some(cause.clone()))
        }
    }
}

fn effects(it: &Effects) -> ShownEffects {
    let sent = it.sends.iter();
    let mut shown = ShownEffects {
        sent: sent.map(|it| show_message(&it.message, true)).collect(),
        settled: it.settled.iter().map(settled).collect(),
        ..ShownEffects::default()
    };
    it.delayed.iter().for_each(|it| shown.later(it));
    for (name, value) in &it.writes {
        match (reserved::entry(name), value) {
            (None, _) if name.starts_with('\0') => {}
            (None, Some(value)) => {
                let (text, base64) = as_text(value);
                shown.written.push(ShownEntry {
                    name: name.clone(),
                    value: text,
                    value_base64: base64,
                });
            }
            (None, None) => shown.deleted.push(name.clone()),
            (Some(Entry::Timer(timer)), None) => shown.timers_cancelled.push(timer.into()),
            (Some(Entry::Recallable(id)), None) => shown.recalled.push(id.to_string()),
            (Some(Entry::Claim(id)), Some(_)) => shown.claimed.push(id.to_owned()),
            // What the host keeps for itself, and what is told with timers and half messages.
            (Some(_), _) => {}
        }
    }
    shown
}

impl ShownEffects {
    fn later(&mut self, it: &Delayed) {
        let (due, message) = (time(it.due), show_message(&it.message, true));
        match it.message.timer.clone() {
            Some(name) => self.timers_set.push(ShownTimer { name, due, message }),
            None => self.delayed.push(ShownLater { due, message }),
        }
    }
}

fn settled((half, decision): &(std::sync::Arc<Half>, Decision)) -> ShownSettled {
    ShownSettled {
        message: half.message.id.to_string(),
        decision: match decision {
            Decision::Commit => "commit",
            Decision::RollBack => "rollback",
        },
    }
}

fn prepared(it: &Half) -> ShownHalf {
    let name = match &it.owner {
        half::Owner::Plugin { name, .. } => name.clone(),
        half::Owner::Producer { .. } => "".into(),
    };
    ShownHalf {
        name,
        message: show_message(&it.message, true),
    }
}
