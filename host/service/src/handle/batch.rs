//! Many messages from outside at once.

use tokio::sync::oneshot;
use wasmill_port::guest::Guests;
use wasmill_port::store;

use super::{AcceptError, Handle, Incoming, Receipt, Stopped};
use crate::command::{AcceptAll, Command};

impl<G: Guests> Handle<G> {
    /// Takes messages in, in their order, each by itself; returns once those that are taken in are
    /// durable. None of them waits for an outcome.
    ///
    /// # Errors
    /// [`AcceptError`]; nothing was taken in, unless it is [`AcceptError::Store`].
    pub async fn accept_all(
        &self,
        all: Vec<Incoming>,
    ) -> Result<Vec<Result<Receipt, AcceptError>>, AcceptError> {
        let bytes = all.iter().map(|incoming| incoming.body.len()).sum();
        let _place = self.shared.in_flight.enter(all.len(), bytes)?;
        let (reply, receipts) = oneshot::channel();
        let looked_up = all.into_iter().map(|incoming| {
            let (mut incoming, _) = incoming.for_engine();
            let seen = self.shared.versioned.look_up(&mut incoming)?;
            Ok((incoming, seen))
        });
        let all = looked_up.collect::<Result<_, store::Error>>();
        let all = all.map_err(|error| AcceptError::Store(error.to_string()))?;
        self.send(Command::AcceptAll(AcceptAll { all, reply }))
            .map_err(|Stopped| self.stopped())?;
        receipts.await.map_err(|_| self.stopped())
    }
}
