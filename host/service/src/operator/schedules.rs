//! Schedules, as operators see them.

use std::sync::Arc;

use wasmill_model::Millis;
use wasmill_model::routes::Schedule;
use wasmill_port::Guests;

use super::OperateError;
use crate::handle::Handle;

/// How a schedule stands.
#[derive(Clone, Debug)]
pub struct ScheduleStatus {
    /// What the routes say of it.
    pub schedule: Arc<Schedule>,
    /// The time for which it ran last; none if it did not yet.
    pub last: Option<Millis>,
    /// The time of its next run; none if its years are over.
    pub next: Option<Millis>,
}

impl<G: Guests> Handle<G> {
    /// Every schedule of the routes in force, by name.
    ///
    /// # Errors
    /// [`OperateError::Stopped`].
    pub async fn schedules(&self) -> Result<Vec<ScheduleStatus>, OperateError> {
        let all = self.operate(|engine, _| {
            let all = engine.schedules().map(|(schedule, runs)| ScheduleStatus {
                schedule: schedule.clone(),
                last: runs.last,
                next: runs.next,
            });
            all.collect()
        });
        Ok(all.await?)
    }
}
