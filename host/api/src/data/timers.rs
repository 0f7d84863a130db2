//! `/v1/timers`: the pending timers of a key, shown and cancelled.

use axum::extract::State as Extracted;
use axum::http::Uri;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;
use wasmill_model::Name;
use wasmill_model::effects::{Delayed, Scope};

use super::answers::{Always, Missing, Refusing};
use super::form::{Segment, Segments, json, page_limit, query};
use super::shown::{ShownMessage, show_message, time};
use super::{Operator, Routes, Shared, recall};
use crate::Platform;
use crate::error::Error;

/// What is said of a timer that is not there.
const GONE: &str = "no such timer is pending: it may have been handled or cancelled";

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Page {
    /// Whose timers they are.
    key: String,
    /// Only those whose names come after this one.
    after: Option<String>,
    /// How many at most; 100 if not given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Whose {
    /// Whose timer it is.
    key: String,
}

/// A page of timers.
#[derive(Serialize, ToSchema)]
struct Timers {
    /// In the order of their names, without bodies.
    #[schema(max_items = 1000)]
    timers: Vec<Timer>,
    /// What to ask for `after` to see more; none if there are no more.
    next: Option<String>,
}

/// A pending timer.
#[derive(Serialize, ToSchema)]
struct Timer {
    #[schema(value_type = String)]
    name: Name,
    /// When it falls due; in the past if its handler is late.
    #[schema(format = DateTime)]
    due: String,
    message: ShownMessage,
}

pub(super) fn routes<P: Platform + Operator>() -> Routes<P> {
    Routes::new()
        .routes(routes!(list))
        .routes(routes!(show, cancel))
}

/// List the pending timers of a plugin's key.
#[utoipa::path(get, path = "/v1/timers/{plugin}", tag = "timers", operation_id = "list_timers",
    params(("plugin" = String, Path, description = "The plugin."), Page),
    responses((status = 200, description = "As many as asked for.", body = Timers), Always))]
async fn list<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    Segment(plugin): Segment,
    uri: Uri,
) -> Result<Response, Error> {
    let Page { key, after, limit } = query(&uri)?;
    let limit = page_limit(limit)?;
    let (scope, platform) = (scope(plugin, key), state.platform()?);
    let timers = platform.timers(&scope, after.as_deref(), limit + 1).await?;
    let mut timers: Vec<_> = timers.iter().map(|it| shown(it, false)).collect();
    let more = timers.len() > limit;
    timers.truncate(limit);
    let last = timers.last().filter(|_| more);
    let next = last.map(|timer| timer.name.to_string());
    Ok(json(&Timers { timers, next }))
}

/// Show a pending timer with its body.
#[utoipa::path(get, path = "/v1/timers/{plugin}/{name}", tag = "timers",
    operation_id = "show_timer",
    params(("plugin" = String, Path, description = "The plugin."),
        ("name" = String, Path, description = "The timer."), Whose),
    responses((status = 200, description = "The timer.", body = Timer), Always, Missing))]
async fn show<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    Segments(plugin, name): Segments,
    uri: Uri,
) -> Result<Response, Error> {
    let Whose { key } = query(&uri)?;
    let platform = state.platform()?;
    match platform.timer(&scope(plugin, key), &name).await? {
        Some(timer) => Ok(json(&shown(&timer, true))),
        None => Err(Error::Missing(GONE.to_owned())),
    }
}

/// Cancel a timer: no handler had it, and none will.
#[utoipa::path(delete, path = "/v1/timers/{plugin}/{name}", tag = "timers",
    operation_id = "cancel_timer",
    params(("plugin" = String, Path, description = "The plugin."),
        ("name" = String, Path, description = "The timer."), Whose),
    responses((status = 204, description = "It is cancelled."), Always, Missing, Refusing))]
async fn cancel<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    Segments(plugin, name): Segments,
    uri: Uri,
) -> Result<Response, Error> {
    let Whose { key } = query(&uri)?;
    let platform = state.platform()?;
    let cancelled = platform.cancel_timer(&scope(plugin, key), &name).await?;
    recall::answer(cancelled, GONE)
}

fn scope(plugin: String, key: String) -> Scope {
    Scope {
        plugin: plugin.into(),
        key: key.into(),
    }
}

fn shown(timer: &Delayed, whole: bool) -> Timer {
    Timer {
        name: timer.message.timer.clone().unwrap_or_else(|| "".into()),
        due: time(timer.due),
        message: show_message(&timer.message, whole),
    }
}
