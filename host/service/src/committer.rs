//! The log's thread: appends blocks in order, one flush each, trims, and reads for operators.

use std::sync::mpsc::{Receiver, Sender};
use std::time::Instant;

use wasmill_port::store::{AppendError, Log};

use crate::command::{Command, LogCommand};
use crate::metrics::Metrics;

/// What the log's thread owns.
pub(crate) struct Committer<L> {
    pub(crate) log: L,
    pub(crate) epoch: u64,
    pub(crate) commands: Receiver<LogCommand>,
    pub(crate) engine: Sender<Command>,
    pub(crate) metrics: Metrics,
}

impl<L: Log> Committer<L> {
    /// Appends until the channel closes or an append fails. After a failure nothing more is
    /// written: what the log holds is known only to a recovery.
    pub(crate) fn run(mut self) {
        while let Ok(command) = self.commands.recv() {
            let result = match command {
                LogCommand::Append { number, block } => self.append(number, &block),
                LogCommand::Read { number, reply } => {
                    // Whoever asked may have gone.
                    let _ = reply.send(self.log.read(number));
                    Ok(())
                }
                LogCommand::Trim { before } => {
                    let trimmed = self.log.trim(before);
                    trimmed.map_err(|error| format!("trimming the log: {error}"))
                }
            };
            if let Err(cause) = result {
                // The engine's thread may have ended already; then nobody needs to know.
                let _ = self.engine.send(Command::Failed(cause));
                return;
            }
        }
    }

    fn append(&mut self, number: u64, block: &[u8]) -> Result<(), String> {
        let begun = Instant::now();
        let appended = self.log.append(self.epoch, number, block);
        appended.map_err(|error| match error {
            AppendError::Unknown(cause) => format!("appending block {number}: {cause}"),
            AppendError::Fenced => format!("appending block {number}: {error}"),
        })?;
        self.metrics.block_committed(block.len(), begun.elapsed());
        let blocks = number + 1;
        let _ = self.engine.send(Command::Durable { blocks });
        Ok(())
    }
}
