//! The log's thread: appends blocks in order, one flush each, and trims.

use std::sync::mpsc::{Receiver, Sender};
use std::time::Instant;

use wasmill_port::store::{AppendError, Log};

use crate::command::{Command, LogCommand};
use crate::metrics::Metrics;

/// Appends until the channel closes or an append fails. After a failure nothing more is
/// written: what the log holds is known only to a recovery.
pub(crate) fn run(
    mut log: impl Log,
    epoch: u64,
    commands: &Receiver<LogCommand>,
    engine: &Sender<Command>,
    metrics: &Metrics,
) {
    while let Ok(command) = commands.recv() {
        let result = match command {
            LogCommand::Append { number, block } => {
                append(&mut log, epoch, number, &block, engine, metrics)
            }
            LogCommand::Trim { before } => log
                .trim(before)
                .map_err(|error| format!("trimming the log: {error}")),
        };
        if let Err(cause) = result {
            // The engine's thread may have ended already; then nobody needs to know.
            let _ = engine.send(Command::Failed(cause));
            return;
        }
    }
}

fn append(
    log: &mut impl Log,
    epoch: u64,
    number: u64,
    block: &[u8],
    engine: &Sender<Command>,
    metrics: &Metrics,
) -> Result<(), String> {
    let begun = Instant::now();
    log.append(epoch, number, block)
        .map_err(|error| match error {
            AppendError::Unknown(cause) => format!("appending block {number}: {cause}"),
            AppendError::Fenced => format!("appending block {number}: {error}"),
        })?;
    metrics.block_committed(block.len(), begun.elapsed());
    let _ = engine.send(Command::Durable { blocks: number + 1 });
    Ok(())
}
