//! `/v1/schedules`: messages that the host sends by itself, and when.

use axum::extract::State as Extracted;
use axum::http::Uri;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;
use wasmill_model::Name;
use wasmill_service::ScheduleStatus;

use super::answers::Always;
use super::form::{Nothing, json, query};
use super::shown::time;
use super::{Operator, Routes, Shared};
use crate::Platform;
use crate::error::Error;

#[derive(Serialize, ToSchema)]
struct Schedules {
    schedules: Vec<Shown>,
}

/// A schedule of the routes in force.
#[derive(Serialize, ToSchema)]
#[schema(as = Schedule)]
struct Shown {
    #[schema(value_type = String)]
    name: Name,
    cron: String,
    time_zone: &'static str,
    #[schema(value_type = String)]
    topic: Name,
    #[schema(value_type = Option<String>)]
    key: Option<Name>,
    /// What becomes of runs that were missed: `skip`, `once` or `all`.
    missed: &'static str,
    /// The time for which it ran last.
    #[schema(format = DateTime)]
    last: Option<String>,
    /// The time of its next run.
    #[schema(format = DateTime)]
    next: Option<String>,
}

pub(super) fn routes<P: Platform + Operator>() -> Routes<P> {
    Routes::new().routes(routes!(list))
}

/// List the schedules of the routes in force.
#[utoipa::path(get, path = "/v1/schedules", tag = "schedules", operation_id = "list_schedules",
    responses((status = 200, description = "All of them.", body = Schedules), Always))]
async fn list<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    uri: Uri,
) -> Result<Response, Error> {
    let Nothing {} = query(&uri)?;
    let schedules = state.platform()?.schedules().await?;
    let schedules = schedules.into_iter().map(shown).collect();
    Ok(json(&Schedules { schedules }))
}

fn shown(status: ScheduleStatus) -> Shown {
    let ScheduleStatus {
        schedule,
        last,
        next,
    } = status;
    Shown {
        name: schedule.name.clone(),
        cron: schedule.timing.expression().to_owned(),
        time_zone: schedule.timing.zone(),
        topic: schedule.topic.clone(),
        key: schedule.key.clone(),
        missed: schedule.missed.as_str(),
        last: last.map(time),
        next: next.map(time),
    }
}
