//! Many messages that come in at once.

use wasmill_port::Guests;

use super::EngineLoop;
use crate::command::{AcceptAll, ViewCommand};
use crate::handle::{AcceptError, BUSY_RETRY_AFTER};
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
        let now = self.clock.now();
        let mut answers = Vec::with_capacity(batch.all.len());
        for (incoming, _) in batch.all {
            answers.push(if self.state.stopping.is_some() {
                Err(AcceptError::Stopped)
            } else if self.is_behind() {
                let retry_after = BUSY_RETRY_AFTER;
                Err(AcceptError::Busy { retry_after })
            } else {
                let accepted = self.engine.accept(incoming, now);
                self.metrics.accepted.inc_by(u64::from(accepted.is_ok()));
                accepted.map(Into::into).map_err(Into::into)
            });
        }
        let (barrier, reply) = (self.engine.barrier(), batch.reply);
        // Whoever asked may have gone.
        let answer = Reply::Operation(Box::new(move || drop(reply.send(answers))));
        self.state.replies.push(barrier, answer, self.durable);
    }
}
