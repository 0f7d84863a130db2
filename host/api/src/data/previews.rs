//! `/v1/dead-letters/preview` and its like: what a version of a plugin would do with dead letters.

use std::collections::BTreeMap;

use axum::extract::State as Extracted;
use axum::http::Uri;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;
use wasmill_model::effects::{Failure, FailureKind};
use wasmill_model::{Decision, MessageId, Name, Target};
use wasmill_service::{
    Excerpt, Few, Foretold, ForetoldEffects, ForetoldLater, ForetoldMessage, LetterId, Preview,
    Previews, Through,
};

use super::answers::{Always, Missing, Refusing};
use super::dead_letters::{ID, parse};
use super::form::{Segment, json, query};
use super::shown::{ShownMessage, as_text, time};
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
#[derive(Default, Serialize, ToSchema)]
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
    /// Method and URL of the HTTP requests that it made. None was sent: each failed, and what it
    /// would do with an answer is not known.
    requests: Vec<String>,
    requests_count: u64,
    /// Of each kind the first 64 are told, or fewer if they are large: how many more there are, by
    /// the name of the kind. Empty if everything is told.
    more: BTreeMap<&'static str, u64>,
    /// Whether the plugin is granted files, which it did not have.
    without_files: bool,
}

/// What a handler would have committed.
#[derive(Default, Serialize, ToSchema)]
#[schema(as = PreviewedEffects)]
struct ShownEffects {
    /// Messages, with their bodies, or the first 4 KiB of them.
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
    value_bytes: usize,
    /// The value, or the first 4 KiB of it, if it is text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    value: Option<String>,
    /// The same in base64, if it is no text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    value_base64: Option<String>,
    /// The SHA-256 of the whole value, if only its beginning is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    value_sha256: Option<String>,
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

fn one(Preview { id, foretold }: Preview) -> ShownPreview {
    match foretold {
        Ok(foretold) => told(&id, foretold),
        Err(refused) => ShownPreview {
            id: id.to_string(),
            outcome: "refused",
            cause: Some(refused.to_string()),
            ..ShownPreview::default()
        },
    }
}

fn told(id: &LetterId, it: Foretold) -> ShownPreview {
    let (outcome, cause) = ending(&it);
    let Target { subscription, key } = it.target;
    let mut more = More::default();
    let requests_count = it.requests.count();
    ShownPreview {
        id: id.to_string(),
        subscription: Some(subscription),
        key,
        outcome,
        cause,
        fuel: it.called.map(|it| it.fuel),
        duration_us: it.called.map(|it| it.duration_us),
        effects: more.effects(it.effects),
        prepared: more.of("prepared", it.prepared, half),
        requests: more.of("requests", it.requests, |it| it),
        requests_count,
        more: more.0,
        without_files: it.lacks_files,
    }
}

/// How a call ended, and why, unless it was well.
fn ending(it: &Foretold) -> (&'static str, Option<String>) {
    match &it.result {
        Ok(()) if it.is_duplicate => {
            let why = "the subscription handled a message of its id, and remembers it";
            ("duplicate", Some(why.to_owned()))
        }
        Ok(()) => ("ok", None),
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

/// How many more there are of a kind than are told.
#[derive(Default)]
struct More(BTreeMap<&'static str, u64>);

impl More {
    /// Those that are told, as they are shown.
    fn of<T, S>(&mut self, kind: &'static str, few: Few<T>, show: impl Fn(T) -> S) -> Vec<S> {
        if few.more > 0 {
            self.0.insert(kind, few.more);
        }
        few.first.into_iter().map(show).collect()
    }

    fn effects(&mut self, it: ForetoldEffects) -> ShownEffects {
        ShownEffects {
            sent: self.of("sent", it.sent, ShownMessage::foretold),
            delayed: self.of("delayed", it.delayed, later),
            written: self.of("written", it.written, entry),
            deleted: self.of("deleted", it.deleted, |name| name),
            timers_set: self.of("timers_set", it.timers_set, timer),
            timers_cancelled: self.of("timers_cancelled", it.timers_cancelled, |name| name),
            recalled: self.of("recalled", it.recalled, |id| id.to_string()),
            claimed: self.of("claimed", it.claimed, |id| id.to_string()),
            settled: self.of("settled", it.settled, settled),
        }
    }
}

fn later(it: ForetoldLater) -> ShownLater {
    ShownLater {
        due: time(it.due),
        message: ShownMessage::foretold(it.message),
    }
}

fn timer((name, it): (Name, ForetoldLater)) -> ShownTimer {
    let ShownLater { due, message } = later(it);
    ShownTimer { name, due, message }
}

fn entry((name, value): (Name, Excerpt)) -> ShownEntry {
    let (text, base64) = as_text(&value.shown);
    ShownEntry {
        name,
        value_bytes: value.bytes,
        value: text,
        value_base64: base64,
        value_sha256: value.sha256,
    }
}

fn half((name, message): (Name, ForetoldMessage)) -> ShownHalf {
    ShownHalf {
        name,
        message: ShownMessage::foretold(message),
    }
}

fn settled((half, decision): (MessageId, Decision)) -> ShownSettled {
    ShownSettled {
        message: half.to_string(),
        decision: match decision {
            Decision::Commit => "commit",
            Decision::RollBack => "rollback",
        },
    }
}
