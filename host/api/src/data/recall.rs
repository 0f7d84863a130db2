//! `DELETE /v1/messages/{id}`: a delayed message is taken back before it is delivered.

use axum::extract::State as Extracted;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;
use wasmill_model::MessageId;
use wasmill_model::effects::Scope;
use wasmill_service::Recalled;

use super::answers::{Always, Missing, Refusing};
use super::form::{Segment, query};
use super::{Operator, Routes, Shared};
use crate::Platform;
use crate::error::Error;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Whose {
    /// The plugin that sent it, if one did; `id` is then the message's.
    plugin: Option<String>,
    /// The key under which the plugin sent it.
    key: Option<String>,
}

pub(super) fn routes<P: Platform + Operator>() -> Routes<P> {
    Routes::new().routes(routes!(recall))
}

/// Recall a delayed message: no handler had it, and none will.
#[utoipa::path(delete, path = "/v1/messages/{id}", tag = "messages",
    operation_id = "recall_message",
    params(("id" = String, Path, description = "What sending it answered as `recall`; or the \
        message's id, if a plugin sent it."), Whose),
    responses((status = 204, description = "It is recalled."), Always, Missing, Refusing))]
async fn recall<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    Segment(id): Segment,
    uri: Uri,
) -> Result<Response, Error> {
    let platform = state.platform()?;
    let recalled = match query(&uri)? {
        Whose {
            plugin: None,
            key: None,
        } => platform.recall(id.parse().map_err(malformed)?).await?,
        Whose {
            plugin: Some(plugin),
            key: Some(key),
        } => {
            let message: MessageId = id.parse().map_err(malformed)?;
            let (plugin, key) = (plugin.into(), key.into());
            platform
                .recall_sent(&Scope { plugin, key }, message)
                .await?
        }
        _ => {
            let detail = "a plugin's message is named by `plugin`, `key` and its id: all three";
            return Err(Error::bad("plugin", detail));
        }
    };
    answer(
        recalled,
        "there is no such delayed message: it may have been delivered or recalled",
    )
}

/// Whether somebody took something back.
pub(super) fn answer(recalled: Recalled, gone: &str) -> Result<Response, Error> {
    match recalled {
        Recalled::Done => Ok(StatusCode::NO_CONTENT.into_response()),
        Recalled::Handed => Err(Error::Conflict(
            "a handler had it and failed, and it will be tried again".to_owned(),
        )),
        // The last two are asked anew by the platform itself.
        Recalled::Gone | Recalled::Running | Recalled::Changed => {
            Err(Error::Missing(gone.to_owned()))
        }
    }
}

fn malformed(error: impl std::fmt::Display) -> Error {
    Error::bad("id", error.to_string())
}
