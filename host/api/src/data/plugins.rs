//! `/v1/plugins`: their versions, which of them serves, and what operators do about that.

use std::sync::Arc;

use axum::extract::State as Extracted;
use axum::http::Uri;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;
use wasmill_model::Name;
use wasmill_port::plugins::{ActError, Action, Fault, Held, Standing, Version};
use wasmill_service::{PluginStatus, Refusal};

use super::answers::{Always, Missing, Refusing, Writing};
use super::control::Control;
use super::form::{Nothing, Segment, json, query};
use super::shown::time;
use super::{Operator, Routes, Shared};
use crate::Platform;
use crate::error::Error;

#[derive(Serialize, ToSchema)]
struct Listed {
    plugins: Vec<Shown>,
}

/// A plugin, and how it stands.
#[derive(Serialize, ToSchema)]
#[schema(as = Plugin)]
pub(super) struct Shown {
    #[schema(value_type = String)]
    name: Name,
    /// `serving`, or why it is not: `disabled`, `removed` (its file is gone), `waiting` (the host
    /// tries again), `held`, `compiling` (its first file is) or `refused`.
    status: &'static str,
    /// The content hash of the version that serves, or would if it were enabled.
    current: Option<String>,
    /// That version, as its author counts.
    version: Option<String>,
    /// The version that one step back leads to.
    previous: Option<String>,
    /// The version that an operator holds.
    pinned: Option<String>,
    /// The highest version of a state's schema that has served: a version that does not read it is
    /// refused.
    state_version: Option<u32>,
    /// The version of the file, if it is not let in.
    held: Option<HeldVersion>,
    /// Why its file was refused, if that was the last thing that became of one.
    refused: Option<Refused>,
    /// What could not be read or written in the data directory, and why: the host tries again until it
    /// can.
    waits: Option<String>,
    /// Since when a file of it is being compiled and checked: what is told besides is of before.
    #[schema(format = DateTime)]
    compiling_since: Option<String>,
    /// Calls of the handler of the version that serves, since this process serves it.
    calls: u64,
    /// Of these, those that failed: retries, rejects, faults.
    failed: u64,
}

/// A version that is not let in.
#[derive(Serialize, ToSchema)]
struct HeldVersion {
    /// Its content hash.
    version: String,
    /// Why, and what lets it in: one text for each thing.
    reasons: Vec<String>,
}

/// A file that was refused.
#[derive(Serialize, ToSchema)]
struct Refused {
    #[schema(format = DateTime)]
    at: String,
    /// What does not fit, and the remedy.
    reason: String,
}

#[derive(Serialize, ToSchema)]
struct Versions {
    /// The latest first.
    #[schema(max_items = 10)]
    versions: Vec<ShownVersion>,
}

/// A version that is kept.
#[derive(Serialize, ToSchema)]
#[schema(as = PluginVersion)]
struct ShownVersion {
    /// Its content hash: SHA-256, hexadecimal.
    hash: String,
    size: u64,
    /// What it is now: `current`, `previous`, `pinned`, `held`.
    marks: Vec<&'static str>,
    /// The version, as its author counts; none without a manifest, like all that is the author's.
    version: Option<String>,
    language: Option<String>,
    /// What it asks for beyond the contract.
    capabilities: Vec<String>,
    /// The version of the schema of its state.
    state_version: Option<u32>,
    /// The name of the key that it is signed with.
    #[schema(value_type = Option<String>)]
    signed_by: Option<Name>,
    /// When its file first came.
    #[schema(format = DateTime)]
    installed_at: String,
    /// When it was last put into service.
    #[schema(format = DateTime)]
    served_at: Option<String>,
    /// What put it into service last, or brought it: `file`, `rollback`, `approve`, `pin`,
    /// `restore` or `promote`.
    came: &'static str,
    /// Why it cannot serve, if its content is not there as it came.
    damage: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Back {
    /// The content hash of a kept version, or the first 8 or more of its digits; the version that
    /// served before if not given.
    version: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Which {
    /// The content hash of a kept version, or the first 8 or more of its digits; the one that
    /// serves if not given.
    version: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct This {
    /// The content hash of a kept version, or the first 8 or more of its digits: that of `held`, say.
    version: String,
}

pub(super) fn routes<P: Platform + Operator>() -> Routes<P> {
    Routes::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(versions))
        .routes(routes!(rollback))
        .routes(routes!(pin))
        .routes(routes!(unpin))
        .routes(routes!(approve))
        .routes(routes!(enable))
        .routes(routes!(disable))
}

/// List the plugins.
#[utoipa::path(get, path = "/v1/plugins", tag = "plugins", operation_id = "list_plugins",
    responses((status = 200, description = "All of them.", body = Listed), Always))]
async fn list<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    uri: Uri,
) -> Result<Response, Error> {
    let Nothing {} = query(&uri)?;
    let all = state.plugins()?.statuses().into_iter();
    let plugins = all.map(shown).collect();
    Ok(json(&Listed { plugins }))
}

/// Show a plugin.
#[utoipa::path(get, path = "/v1/plugins/{name}", tag = "plugins", operation_id = "show_plugin",
    params(("name" = String, Path, description = "The plugin.")),
    responses((status = 200, description = "How it stands.", body = Shown), Always, Missing))]
async fn show<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    Segment(name): Segment,
    uri: Uri,
) -> Result<Response, Error> {
    let Nothing {} = query(&uri)?;
    let status = state.plugins()?.status(&name);
    status
        .map(shown)
        .map_or_else(|| Err(missing(&name)), |it| Ok(json(&it)))
}

/// List the versions of a plugin that are kept.
#[utoipa::path(get, path = "/v1/plugins/{name}/versions", tag = "plugins",
    operation_id = "list_plugin_versions",
    params(("name" = String, Path, description = "The plugin.")),
    responses((status = 200, description = "All of them.", body = Versions),
        Always, Missing, Refusing))]
async fn versions<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    Segment(name): Segment,
    uri: Uri,
) -> Result<Response, Error> {
    let Nothing {} = query(&uri)?;
    let plugins = state.plugins()?;
    let status = plugins.status(&name).ok_or_else(|| missing(&name))?;
    let standing = status.standing.unwrap_or_default();
    if let Some(Fault::Unreadable(why)) = standing.fault {
        return Err(Error::Conflict(why));
    }
    let mut damages = plugins.clone().damages(name.into()).await;
    let versions = standing.versions.iter().map(|version| ShownVersion {
        damage: damages.remove(&version.hash),
        ..shown_version(version, &standing)
    });
    let versions = versions.collect();
    Ok(json(&Versions { versions }))
}

/// Go back to the version that served before, or to a given one, until another file comes.
#[utoipa::path(post, path = "/v1/plugins/{name}/rollback", tag = "plugins",
    operation_id = "roll_back_plugin",
    params(("name" = String, Path, description = "The plugin."), Back),
    responses((status = 200, description = "How it stands.", body = Shown),
        Always, Missing, Refusing, Writing))]
async fn rollback<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    Segment(name): Segment,
    uri: Uri,
) -> Result<Response, Error> {
    let Back { version } = query(&uri)?;
    act(state.plugins()?, name, Action::Rollback { version }).await
}

/// Hold a version: it serves whatever files come.
#[utoipa::path(post, path = "/v1/plugins/{name}/pin", tag = "plugins",
    operation_id = "pin_plugin",
    params(("name" = String, Path, description = "The plugin."), Which),
    responses((status = 200, description = "How it stands.", body = Shown),
        Always, Missing, Refusing, Writing))]
async fn pin<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    Segment(name): Segment,
    uri: Uri,
) -> Result<Response, Error> {
    let Which { version } = query(&uri)?;
    act(state.plugins()?, name, Action::Pin { version }).await
}

/// End a pin: the version of the file comes in.
#[utoipa::path(post, path = "/v1/plugins/{name}/unpin", tag = "plugins",
    operation_id = "unpin_plugin",
    params(("name" = String, Path, description = "The plugin.")),
    responses((status = 200, description = "How it stands.", body = Shown),
        Always, Missing, Refusing, Writing))]
async fn unpin<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    Segment(name): Segment,
    uri: Uri,
) -> Result<Response, Error> {
    let Nothing {} = query(&uri)?;
    act(state.plugins()?, name, Action::Unpin).await
}

/// Let a version in that is held for what it asks for.
#[utoipa::path(post, path = "/v1/plugins/{name}/approve", tag = "plugins",
    operation_id = "approve_plugin",
    params(("name" = String, Path, description = "The plugin."), This),
    responses((status = 200, description = "How it stands.", body = Shown),
        Always, Missing, Refusing, Writing))]
async fn approve<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    Segment(name): Segment,
    uri: Uri,
) -> Result<Response, Error> {
    let This { version } = query(&uri)?;
    act(state.plugins()?, name, Action::Approve { version }).await
}

/// Put a disabled plugin back into service.
#[utoipa::path(post, path = "/v1/plugins/{name}/enable", tag = "plugins",
    operation_id = "enable_plugin",
    params(("name" = String, Path, description = "The plugin.")),
    responses((status = 200, description = "How it stands.", body = Shown),
        Always, Missing, Refusing, Writing))]
async fn enable<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    Segment(name): Segment,
    uri: Uri,
) -> Result<Response, Error> {
    let Nothing {} = query(&uri)?;
    act(state.plugins()?, name, Action::Enable).await
}

/// Take a plugin out of service until it is enabled. Its messages wait.
#[utoipa::path(post, path = "/v1/plugins/{name}/disable", tag = "plugins",
    operation_id = "disable_plugin",
    params(("name" = String, Path, description = "The plugin.")),
    responses((status = 200, description = "How it stands.", body = Shown),
        Always, Missing, Refusing, Writing))]
async fn disable<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    Segment(name): Segment,
    uri: Uri,
) -> Result<Response, Error> {
    let Nothing {} = query(&uri)?;
    act(state.plugins()?, name, Action::Disable).await
}

async fn act(plugins: &Arc<dyn Control>, name: String, action: Action) -> Result<Response, Error> {
    let status = plugins.clone().act(name.into(), action).await?;
    Ok(json(&shown(status)))
}

fn missing(name: &str) -> Error {
    Error::from(ActError::Unknown(name.into()))
}

pub(super) fn shown(status: PluginStatus) -> Shown {
    let PluginStatus {
        plugin,
        standing,
        refused,
        waits,
        compiling,
    } = status;
    let state = match (&standing, compiling) {
        (None, Some(_)) => "compiling",
        (standing, _) => state(standing.as_ref(), waits.is_some()),
    };
    let version = standing.as_ref().and_then(|it| {
        let mut all = it.versions.iter();
        let current = all.find(|version| Some(&version.hash) == it.current.as_ref())?;
        Some(current.about.as_ref()?.version.clone())
    });
    let standing = standing.unwrap_or_default();
    Shown {
        name: plugin,
        status: state,
        current: standing.current,
        version,
        previous: standing.previous,
        pinned: standing.pinned,
        state_version: standing.state_version,
        held: standing
            .held
            .map(|Held { version, reasons }| HeldVersion { version, reasons }),
        refused: refused.map(|Refusal { at, reason }| Refused {
            at: time(at),
            reason,
        }),
        waits,
        compiling_since: compiling.map(time),
        calls: standing.handled.calls,
        failed: standing.handled.failed,
    }
}

/// Whether the plugin is in service, and if not, why.
fn state(standing: Option<&Standing>, waits: bool) -> &'static str {
    match standing {
        Some(Standing { serving: true, .. }) => "serving",
        Some(Standing { disabled: true, .. }) => "disabled",
        // Unless its file is there again, and there is no room for it.
        Some(it) if it.removed && (!waits || it.fault.is_some()) => "removed",
        _ if waits => "waiting",
        Some(Standing { held: Some(_), .. }) => "held",
        _ => "refused",
    }
}

fn shown_version(version: &Version, of: &Standing) -> ShownVersion {
    let is = |other: Option<&String>| other == Some(&version.hash);
    let held = of.held.as_ref().map(|held| &held.version);
    let marks = [
        ("current", is(of.current.as_ref())),
        ("previous", is(of.previous.as_ref())),
        ("pinned", is(of.pinned.as_ref())),
        ("held", is(held)),
    ];
    let marks = marks
        .into_iter()
        .filter_map(|(mark, is)| is.then_some(mark));
    let about = version.about.clone();
    let state_version = about.as_ref().map(|about| about.state_version);
    let (said, about) = (about.is_some(), about.unwrap_or_default());
    ShownVersion {
        hash: version.hash.clone(),
        size: version.size,
        marks: marks.collect(),
        version: said.then_some(about.version),
        language: about.language,
        capabilities: about.capabilities.into_iter().collect(),
        state_version,
        signed_by: version.signed_by.clone(),
        installed_at: time(version.installed_at),
        served_at: version.served_at.map(time),
        came: version.came,
        damage: None,
    }
}
