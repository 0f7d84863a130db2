//! Standard output and error of a guest, as lines of the host's log.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use crate::log::{Level, PluginLog};

/// How much of a call's last output is held back, to explain the trap that it may end in: a panic's
/// message stands there, or a traceback.
const HELD_BYTES_MAX: usize = 2 << 10;
/// How much of each line: what stands before it, as where a panic was, is held back with it. The log has
/// a longer one whole.
const HELD_LINE_BYTES_MAX: usize = HELD_BYTES_MAX / 4 * 3;
/// Rust's hint after a panic, which no plugin's author can follow.
const HINT: &str = "note: run with `RUST_BACKTRACE=1`";
/// What a guest may write in one call.
const WRITE_BYTES_MAX: usize = 64 << 10;

/// A stream of lines. Clones write to the same one.
///
/// Of standard error the last lines are held back until the call ends: if it traps they are a part of the
/// cause, in one record of the log, and else lines of the log like all others.
#[derive(Clone)]
pub(crate) struct Lines(Arc<Mutex<Buffer>>);

struct Buffer {
    log: Arc<PluginLog>,
    level: Level,
    /// The line so far; never longer than is of use to the log.
    line: Vec<u8>,
    /// The rest of a line that was cut is dropped.
    cut: bool,
    /// Whole lines that are not in the log yet, oldest first, and whether they were within the
    /// plugin's rate when they came: what floods the log after them does not take their place.
    held: VecDeque<(String, bool)>,
    held_bytes: usize,
    held_bytes_max: usize,
}

impl Lines {
    /// Standard output: nothing is held back.
    pub(crate) fn stdout(log: Arc<PluginLog>) -> Self {
        Self::new(log, Level::Info, 0)
    }

    /// Standard error.
    pub(crate) fn stderr(log: Arc<PluginLog>) -> Self {
        Self::new(log, Level::Warn, HELD_BYTES_MAX)
    }

    fn new(log: Arc<PluginLog>, level: Level, held_bytes_max: usize) -> Self {
        let buffer = Buffer {
            log,
            level,
            line: Vec::new(),
            cut: false,
            held: VecDeque::new(),
            held_bytes: 0,
            held_bytes_max,
        };
        Self(Arc::new(Mutex::new(buffer)))
    }

    /// Writes what is held back to the log: the call has ended well, or another one begins.
    pub(crate) fn release(&self) {
        self.buffer().hold_at_most(0);
    }

    /// What is held back, which goes into a cause instead of the log.
    pub(crate) fn take(&self) -> String {
        let mut buffer = self.buffer();
        buffer.end_line();
        buffer.held_bytes = 0;
        let lines = std::mem::take(&mut buffer.held).into_iter();
        let lines = lines.filter(|(line, _)| !line.starts_with(HINT));
        let lines: Vec<_> = lines
            .map(|(line, admitted)| buffer.shortened(line, admitted))
            .collect();
        lines.join("\n")
    }

    fn buffer(&self) -> MutexGuard<'_, Buffer> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Buffer {
    fn write(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, ends) = match piece.split_last() {
                Some((b'\n', text)) => (text, true),
                _ => (piece, false),
            };
            if !self.cut {
                let room = self.log.line_bytes_max() - self.line.len();
                self.line.extend_from_slice(&text[..text.len().min(room)]);
                self.cut = text.len() > room;
            }
            if ends {
                self.end_line();
            }
        }
    }

    fn end_line(&mut self) {
        let line = String::from_utf8_lossy(&self.line);
        let line = line.trim_end().to_owned();
        if !line.is_empty() {
            self.held_bytes += held_bytes(&line);
            self.held.push_back((line, self.log.admit()));
            self.hold_at_most(self.held_bytes_max);
        }
        self.line.clear();
        self.cut = false;
    }

    /// Writes the oldest lines to the log, until no more than so many bytes are held back.
    fn hold_at_most(&mut self, bytes_max: usize) {
        while self.held_bytes > bytes_max
            && let Some((line, admitted)) = self.held.pop_front()
        {
            self.held_bytes -= held_bytes(&line);
            self.log.write_held(self.level, None, &line, admitted);
        }
    }

    /// As much of a line as a cause has room for; if that is not all, the line goes to the log, too.
    fn shortened(&self, line: String, admitted: bool) -> String {
        if line.len() <= HELD_LINE_BYTES_MAX {
            return line;
        }
        self.log.write_held(self.level, None, &line, admitted);
        // Masked before it is cut: a part of a secret would not be known for one.
        let line = self.log.masked(&line);
        let end = line.floor_char_boundary(HELD_LINE_BYTES_MAX);
        format!("{}...", &line[..end])
    }
}

/// What a line counts for among those that are held back.
fn held_bytes(line: &str) -> usize {
    line.len().min(HELD_LINE_BYTES_MAX)
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.end_line();
        self.hold_at_most(0);
    }
}

impl IsTerminal for Lines {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Lines {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait]
impl Pollable for Lines {
    async fn ready(&mut self) {}
}

impl OutputStream for Lines {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.buffer().write(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_BYTES_MAX)
    }
}

impl AsyncWrite for Lines {
    fn poll_write(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.buffer().write(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::LINE_BYTES_MAX;
    use crate::surroundings::Probe;

    #[test]
    fn output_becomes_lines_and_an_endless_line_is_cut() {
        let lines = Lines::stderr(log(Arc::default()));
        lines.buffer().write(b"one\ntw");
        lines.buffer().write(b"o\n");
        assert_eq!(lines.take(), "one\ntwo");
        for _ in 0..1000 {
            lines.buffer().write(&[b'x'; 1000]);
        }
        assert_eq!(lines.buffer().line.len(), LINE_BYTES_MAX);
        lines.buffer().write(b"\nshort\n");
        let said = format!("{}...\nshort", "x".repeat(HELD_LINE_BYTES_MAX));
        assert_eq!(lines.take(), said);
    }

    #[test]
    fn the_last_lines_before_a_trap_are_its_cause_and_all_others_are_in_the_log() {
        let seen = Arc::new(Seen::default());
        let lines = Lines::stderr(log(seen.clone()));
        lines.buffer().write(b"well\n");
        assert_eq!(seen.lines(), [""; 0], "the call goes on");
        lines.release();
        assert_eq!(seen.lines(), ["well"]);
        let long = "x".repeat(HELD_LINE_BYTES_MAX);
        let text = format!("{long}\nlonger than what is left: {long}\nthe end\n");
        lines.buffer().write(text.as_bytes());
        let said = lines.take();
        assert!(
            said.starts_with("longer") && said.ends_with("...\nthe end"),
            "{said}"
        );
        assert_eq!(seen.lines()[..2], ["well", &long]);
        assert!(seen.lines()[2].ends_with(&long), "the log has all of it");
        let out = Lines::stdout(log(seen.clone()));
        out.buffer().write(b"out\n");
        assert_eq!(seen.lines()[3], "out");
    }

    #[test]
    fn of_a_long_last_line_the_beginning_is_in_the_cause_with_what_stands_before_it() {
        let lines = Lines::stderr(log(Arc::default()));
        let long = "\u{fc}".repeat(LINE_BYTES_MAX);
        let text = format!("panicked at src/lib.rs:1:1:\n{long}\n{HINT} to see\n");
        lines.buffer().write(text.as_bytes());
        let said = lines.take();
        let said: Vec<_> = said.lines().collect();
        let cut = "\u{fc}".repeat(HELD_LINE_BYTES_MAX / 2);
        assert_eq!(said, ["panicked at src/lib.rs:1:1:", &format!("{cut}...")]);
    }

    fn log(seen: Arc<Seen>) -> Arc<PluginLog> {
        Arc::new(PluginLog::new("p".into(), "v", Some(seen)))
    }

    /// The lines of the log.
    #[derive(Default)]
    struct Seen(Mutex<Vec<String>>);

    impl Probe for Seen {
        fn host_call(&self, _: &'static str) -> Result<(), String> {
            Ok(())
        }

        fn line(&self, _: Level, line: &str) {
            self.0.lock().unwrap().push(line.to_owned());
        }

        fn handled(&self, _: usize) {}
    }

    impl Seen {
        fn lines(&self) -> Vec<String> {
            self.0.lock().unwrap().clone()
        }
    }
}
