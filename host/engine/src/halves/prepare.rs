//! Preparing: a record of its own, durable before whoever prepares goes on.

use wasmill_model::half::Owner;
use wasmill_model::{Half, Millis, Op};

use crate::engine::Engine;
use crate::lane::LaneId;

/// Half messages that are asked about at once. They are held in memory.
const OPEN_COUNT_MAX: usize = 100_000;
/// Their bytes.
const OPEN_BYTES_MAX: usize = 256 << 20;

/// Why a half message was not prepared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrepareError {
    /// Too many are unsettled.
    #[error(
        "as many half messages are unsettled as the host holds: commit or roll back some of them"
    )]
    TooMany,
    /// The handler's run is over.
    #[error("the handler's call is over")]
    Over,
}

impl Engine {
    /// Prepares a half message for a handler whose run, by its ticket's number, is under way. It
    /// must be durable before the handler goes on.
    ///
    /// # Errors
    /// [`PrepareError`]; nothing has changed.
    pub fn prepare(&mut self, run: u64, half: Half, now: Millis) -> Result<(), PrepareError> {
        self.advance(now);
        let Owner::Plugin { scope, .. } = &half.owner else {
            return Err(PrepareError::Over);
        };
        let partition = self.partitioner().of(&scope.key);
        let lanes = &self.partition(partition).lanes;
        let lane = lanes.get(&LaneId::Keyed(scope.clone()));
        let running = lane.and_then(|lane| lane.running);
        if running.is_none_or(|running| running.ticket != run) {
            return Err(PrepareError::Over);
        }
        let op = self.prepared(half)?;
        self.commit(partition, vec![op]);
        Ok(())
    }

    /// What prepares a half message, with its first question to its owner.
    pub(crate) fn prepared(&self, half: Half) -> Result<Op, PrepareError> {
        let checks = &self.checks;
        if checks.open_count >= OPEN_COUNT_MAX
            || checks.open_bytes + half.footprint() > OPEN_BYTES_MAX
        {
            return Err(PrepareError::TooMany);
        }
        let policy = self.routes().check_policy(&half.message.topic);
        Ok(Op::Prepare(Box::new(Half {
            prepared_at: self.now,
            checks: 0,
            next_check: Some(self.now + policy.first),
            cause: None,
            ..half
        })))
    }
}
