//! SIGTERM and SIGINT: the first one ends the host in order, the second one at once. SIGXFSZ: a
//! file over the process's limit is an error like a full disk, and not the end without a word.

use std::time::{Duration, Instant};

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Signals so soon after the first one are the same request.
const SAME_REASON: Duration = Duration::from_secs(1);

/// The signals that end the process.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    _file_size: Signal,
}

/// SIGXFSZ, which tokio has no name for.
const FILE_SIZE: i32 = 25;

impl Signals {
    /// From now on these signals do nothing by themselves.
    pub(crate) fn listen() -> io::Result<Self> {
        let [terminate, interrupt] = [SignalKind::terminate(), SignalKind::interrupt()].map(signal);
        Ok(Self {
            terminate: terminate?,
            interrupt: interrupt?,
            _file_size: signal(SignalKind::from_raw(FILE_SIZE))?,
        })
    }

    /// Waits for one of them.
    pub(crate) async fn received(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }

    /// Waits for one that comes a while after the first: a terminal and a parent process may each
    /// have sent one, for the same reason.
    pub(super) async fn again(&mut self) -> &'static str {
        let first = Instant::now();
        loop {
            let signal = self.received().await;
            if first.elapsed() >= SAME_REASON {
                return signal;
            }
        }
    }
}
