//! Many messages that come in at once.

use wasmill_engine::Incoming;
use wasmill_port::Guests;

use super::EngineLoop;
use crate::command::{AcceptAll, ViewCommand};
use crate::handle::{AcceptError, BUSY_RETRY_AFTER, Receipt};
use crate::replies::Reply;

impl<G: Guests> EngineLoop<G> {
    /// Takes messages in, each with a record of its own: one that is refused leaves the others
    /// as they are. Where there is no room for one, there is none for those after it either, so a
    /// key's order is kept when what is left is sent again.
    pub(super) fn accept_all(&mut self, batch: AcceptAll) {
        let is_stale =
            |seen: &crate::claims::Seen| self.snapshots.version(seen.partition) != seen.version;
        if batch
            .all
            .iter()
            .any(|(_, seen)| seen.as_ref().is_some_and(is_stale))
        {
            return self.ask_view(ViewCommand::LookUpAll(batch));
        }
        let mut answers = Vec::with_capacity(batch.all.len());
        let mut no_room = None;
        for (incoming, _) in batch.all {
            let answer = match no_room {
                Some(retry_after) => Err(AcceptError::Behind { retry_after }),
                None => self.accept_one(incoming),
            };
            let refused = answer.as_ref().err();
            no_room = no_room.or(refused.and_then(AcceptError::retry_after));
            answers.push(answer);
        }
        let (barrier, reply) = (self.engine.barrier(), batch.reply);
        // Whoever asked may have gone.
        let answer = Reply::Operation(Box::new(move || drop(reply.send(answers))));
        self.state.replies.push(barrier, answer, self.durable);
    }

    fn accept_one(&mut self, incoming: Incoming) -> Result<Receipt, AcceptError> {
        if self.state.stopping.is_some() {
            return Err(AcceptError::Stopped);
        }
        if self.is_behind() {
            let retry_after = BUSY_RETRY_AFTER;
            return Err(AcceptError::Busy { retry_after });
        }
        let accepted = self.engine.accept(incoming, self.clock.now())?;
        self.metrics.accepted.inc();
        Ok(accepted.into())
    }
}
