//! `/v1/plugins/{name}/canary` and its like: versions on trial beside those that serve.

use std::time::Duration;

use axum::extract::State as Extracted;
use axum::http::Uri;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;
use wasmill_model::{Name, Share};
use wasmill_port::candidate::{
    CanaryBounds, CanaryPlan, Candidate, DIFFERING_MAX, Differing, Ended, Figures, Plan,
    ShadowPlan, Shadowed, Trial,
};

use super::answers::{Always, Missing, Refusing, Writing};
use super::form::{Nothing, Segment, json, query};
use super::messages::span;
use super::plugins::{self, Shown};
use super::shown::time;
use super::{Operator, Routes, Shared};
use crate::Platform;
use crate::error::Error;

/// Longest window of a canary.
const WINDOW_MAX: Duration = Duration::from_secs(30 * 24 * 3_600);

/// A version on trial, or the last one that was.
#[derive(Serialize, ToSchema)]
#[schema(as = Candidate)]
struct ShownCandidate {
    #[schema(value_type = String)]
    plugin: Name,
    /// The content hash of the candidate.
    version: String,
    /// The content hash of the version that it is compared with.
    running: String,
    #[schema(format = DateTime)]
    since: String,
    /// `under_way`; `rolled_back`, since it was worse; `promoted`; `stopped` by an operator; or
    /// `broken`: it could not go on.
    status: &'static str,
    /// Why it is over, if nobody wished it.
    why: Option<String>,
    canary: Option<ShownCanary>,
    shadow: Option<ShownShadow>,
}

/// A candidate that handles a share of the keys.
#[derive(Serialize, ToSchema)]
#[schema(as = Canary)]
struct ShownCanary {
    share: String,
    /// Until when it is compared.
    #[schema(format = DateTime)]
    until: String,
    /// Whether it comes into service then, if it held.
    promote: bool,
    /// The factors over which it is rolled back.
    errors: f64,
    latency: f64,
    fuel: f64,
    of_running: ShownFigures,
    of_candidate: ShownFigures,
}

/// First attempts that a version handled.
#[derive(Serialize, ToSchema)]
struct ShownFigures {
    messages: u64,
    /// Retries, rejects and faults.
    errors: u64,
    fuel_mean: u64,
    p99_us: u64,
}

/// A candidate that handles messages for comparison only.
#[derive(Serialize, ToSchema)]
#[schema(as = Shadow)]
struct ShownShadow {
    sample: String,
    /// Messages that both versions handled.
    messages: u64,
    same: u64,
    different: u64,
    /// With how many the candidate trapped, or went past a limit.
    faults: u64,
    /// Its requests by HTTP to which no answer was recorded.
    unanswered: u64,
    of_running: Spent,
    of_candidate: Spent,
    /// The first messages that differ.
    #[schema(max_items = 100)]
    differing: Vec<ShownDiffering>,
}

/// What all calls took.
#[derive(Serialize, ToSchema)]
struct Spent {
    fuel: u64,
    time_us: u64,
}

/// A message with which the versions did not do the same.
#[derive(Serialize, ToSchema)]
struct ShownDiffering {
    message: String,
    #[schema(value_type = String)]
    subscription: Name,
    #[schema(value_type = Option<String>)]
    key: Option<Name>,
    #[schema(max_items = 16)]
    differences: Vec<ShownDifference>,
}

#[derive(Serialize, ToSchema)]
struct ShownDifference {
    /// What it is about.
    what: String,
    running: String,
    candidate: String,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct OfCanary {
    /// The content hash of a kept version, or the first 8 or more of its digits.
    version: String,
    /// The share of the keys that it handles, or of the messages that have none: `5%` if not given.
    share: Option<String>,
    /// For how long it is compared: `10m` if not given, more than nothing and at most 30 days.
    window: Option<String>,
    /// Times the running version's rate of errors that it may have: 2 if not given.
    #[param(minimum = 1)]
    errors: Option<f64>,
    /// Times the running version's p99 of a call's time: 2 if not given.
    #[param(minimum = 1)]
    latency: Option<f64>,
    /// Times the running version's mean fuel of a call: 2 if not given.
    #[param(minimum = 1)]
    fuel: Option<f64>,
    /// Put it into service when the window is over, if it held.
    promote: Option<bool>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct OfShadow {
    /// The content hash of a kept version, or the first 8 or more of its digits.
    version: String,
    /// The share of the messages that it handles, too: `100%` if not given.
    sample: Option<String>,
    /// Of how many messages that differ it is kept how: 20 if not given.
    #[param(maximum = 100)]
    count: Option<usize>,
}

pub(super) fn routes<P: Platform + Operator>() -> Routes<P> {
    Routes::new()
        .routes(routes!(show))
        .routes(routes!(canary))
        .routes(routes!(shadow))
        .routes(routes!(promote))
        .routes(routes!(abort))
}

/// Show the version on trial, or the last one that was since the host started.
#[utoipa::path(get, path = "/v1/plugins/{name}/candidate", tag = "plugins",
    operation_id = "show_candidate",
    params(("name" = String, Path, description = "The plugin.")),
    responses((status = 200, description = "How it stands.", body = ShownCandidate),
        Always, Missing))]
async fn show<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    Segment(name): Segment,
    uri: Uri,
) -> Result<Response, Error> {
    let Nothing {} = query(&uri)?;
    let candidate = state.plugins()?.candidate(&name);
    candidate.map_or_else(
        || {
            let missing =
                format!("no version of plugin `{name}` was on trial since the host began");
            Err(Error::Missing(missing))
        },
        |it| Ok(json(&shown(it))),
    )
}

/// Have a version handle a share of the keys, beside the version that serves.
#[utoipa::path(post, path = "/v1/plugins/{name}/canary", tag = "plugins",
    operation_id = "begin_canary",
    params(("name" = String, Path, description = "The plugin."), OfCanary),
    responses((status = 200, description = "How it stands.", body = ShownCandidate),
        Always, Missing, Refusing, Writing))]
async fn canary<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    Segment(name): Segment,
    uri: Uri,
) -> Result<Response, Error> {
    let asked: OfCanary = query(&uri)?;
    let usual = CanaryPlan::default();
    let window = asked.window.map(|it| span("window", &it)).transpose()?;
    let window = window.unwrap_or(usual.window);
    if window.is_zero() || window > WINDOW_MAX {
        let detail = "`window` is more than nothing, and 30 days at most";
        return Err(Error::bad("window", detail.to_owned()));
    }
    let plan = CanaryPlan {
        share: share("share", asked.share, usual.share)?,
        window,
        promote: asked.promote.unwrap_or(usual.promote),
        bounds: CanaryBounds {
            errors: factor("errors", asked.errors, usual.bounds.errors)?,
            latency: factor("latency", asked.latency, usual.bounds.latency)?,
            fuel: factor("fuel", asked.fuel, usual.bounds.fuel)?,
        },
    };
    let plugins = state.plugins()?.clone();
    let (name, plan) = (name.into(), Plan::Canary(plan));
    let tried = plugins.try_version(name, asked.version, plan).await?;
    Ok(json(&shown(tried)))
}

/// Have a version handle messages that the version that serves has handled, for comparison only.
#[utoipa::path(post, path = "/v1/plugins/{name}/shadow", tag = "plugins",
    operation_id = "begin_shadow",
    params(("name" = String, Path, description = "The plugin."), OfShadow),
    responses((status = 200, description = "How it stands.", body = ShownCandidate),
        Always, Missing, Refusing, Writing))]
async fn shadow<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    Segment(name): Segment,
    uri: Uri,
) -> Result<Response, Error> {
    let asked: OfShadow = query(&uri)?;
    let usual = ShadowPlan::default();
    let count = asked.count.unwrap_or(usual.count);
    if count > DIFFERING_MAX {
        let detail = format!("`count` is {DIFFERING_MAX} at most");
        return Err(Error::bad("count", detail));
    }
    let sample = share("sample", asked.sample, usual.sample)?;
    let plan = Plan::Shadow(ShadowPlan { sample, count });
    let plugins = state.plugins()?.clone();
    let tried = plugins
        .try_version(name.into(), asked.version, plan)
        .await?;
    Ok(json(&shown(tried)))
}

/// Put the canary of a plugin into service.
#[utoipa::path(post, path = "/v1/plugins/{name}/promote", tag = "plugins",
    operation_id = "promote_canary",
    params(("name" = String, Path, description = "The plugin.")),
    responses((status = 200, description = "How the plugin stands.", body = Shown),
        Always, Missing, Refusing, Writing))]
async fn promote<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    Segment(name): Segment,
    uri: Uri,
) -> Result<Response, Error> {
    let Nothing {} = query(&uri)?;
    let plugins = state.plugins()?.clone();
    let status = plugins.promote(name.into()).await?;
    Ok(json(&plugins::shown(status)))
}

/// End the trial of a version: the one that serves handles everything.
#[utoipa::path(post, path = "/v1/plugins/{name}/abort", tag = "plugins",
    operation_id = "abort_trial",
    params(("name" = String, Path, description = "The plugin.")),
    responses((status = 200, description = "How it stood.", body = ShownCandidate),
        Always, Refusing))]
async fn abort<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    Segment(name): Segment,
    uri: Uri,
) -> Result<Response, Error> {
    let Nothing {} = query(&uri)?;
    let ended = state.plugins()?.end_trial(&name.into())?;
    Ok(json(&shown(ended)))
}

fn share(field: &'static str, asked: Option<String>, usual: Share) -> Result<Share, Error> {
    let share = asked.map_or(Ok(usual), |text| text.parse());
    share.map_err(|error| Error::bad(field, error.to_string()))
}

fn factor(field: &'static str, asked: Option<f64>, usual: f64) -> Result<f64, Error> {
    let factor = asked.unwrap_or(usual);
    if factor >= 1.0 && factor.is_finite() {
        return Ok(factor);
    }
    Err(Error::bad(
        field,
        format!("`{field}` is a factor of 1 or more"),
    ))
}

fn shown(it: Candidate) -> ShownCandidate {
    let (status, why) = match it.ended {
        None => ("under_way", None),
        Some(Ended::RolledBack(why)) => ("rolled_back", Some(why)),
        Some(Ended::Promoted) => ("promoted", None),
        Some(Ended::Stopped) => ("stopped", None),
        Some(Ended::Broken(why)) => ("broken", Some(why)),
    };
    let (mut canary, mut shadow) = (None, None);
    match it.trial {
        Trial::Canary {
            plan,
            until,
            running,
            candidate,
        } => {
            canary = Some(ShownCanary {
                share: plan.share.to_string(),
                until: time(until),
                promote: plan.promote,
                errors: plan.bounds.errors,
                latency: plan.bounds.latency,
                fuel: plan.bounds.fuel,
                of_running: figures(&running),
                of_candidate: figures(&candidate),
            });
        }
        Trial::Shadow { plan, seen } => shadow = Some(shadowed(plan, seen)),
    }
    ShownCandidate {
        plugin: it.plugin,
        version: it.version,
        running: it.running,
        since: time(it.since),
        status,
        why,
        canary,
        shadow,
    }
}

fn figures(it: &Figures) -> ShownFigures {
    ShownFigures {
        messages: it.messages,
        errors: it.errors,
        fuel_mean: it.fuel_mean,
        p99_us: micros(it.p99),
    }
}

fn shadowed(plan: ShadowPlan, seen: Shadowed) -> ShownShadow {
    let spent = |nth: usize| Spent {
        fuel: seen.fuel[nth],
        time_us: micros(seen.time[nth]),
    };
    ShownShadow {
        sample: plan.sample.to_string(),
        messages: seen.messages,
        same: seen.same,
        different: seen.messages - seen.same,
        faults: seen.faults,
        unanswered: seen.unanswered,
        of_running: spent(0),
        of_candidate: spent(1),
        differing: seen.differing.into_iter().map(differing).collect(),
    }
}

fn differing(it: Differing) -> ShownDiffering {
    let differences = it.differences.into_iter().map(|it| ShownDifference {
        what: it.what,
        running: it.running,
        candidate: it.candidate,
    });
    ShownDiffering {
        message: it.message.to_string(),
        subscription: it.subscription,
        key: it.key,
        differences: differences.collect(),
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
