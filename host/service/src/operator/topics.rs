//! Topics, as operators see them.

use wasmill_engine::TopicStanding;
use wasmill_port::Guests;

use super::OperateError;
use crate::handle::Handle;

impl<G: Guests> Handle<G> {
    /// Every topic, or prefix of topics, that the routes in force declare, in their order.
    ///
    /// # Errors
    /// [`OperateError::Stopped`].
    pub async fn topics(&self) -> Result<Vec<TopicStanding>, OperateError> {
        let all = self.operate(|engine, _| engine.topics().collect());
        Ok(all.await?)
    }
}
