//! Standard output and error of a guest, as lines of the host's log.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use crate::log::{LINE_BYTES_MAX, Level, PluginLog};

/// How much of the last output is kept to explain a trap: a panic's message stands there.
const TAIL_BYTES_MAX: usize = 1 << 10;
/// Rust's hint after a panic, which no plugin's author can follow.
const HINT: &str = "note: run with `RUST_BACKTRACE=1`";
/// What a guest may write in one call.
const WRITE_BYTES_MAX: usize = 64 << 10;

/// A stream of lines. Clones write to the same one.
#[derive(Clone)]
pub(crate) struct Lines(Arc<Mutex<Buffer>>);

struct Buffer {
    log: Arc<PluginLog>,
    level: Level,
    /// The line so far; never longer than a log line.
    line: Vec<u8>,
    /// The rest of a line that was cut is dropped.
    cut: bool,
    tail: String,
}

impl Lines {
    pub(crate) fn new(log: Arc<PluginLog>, level: Level) -> Self {
        let buffer = Buffer {
            log,
            level,
            line: Vec::new(),
            cut: false,
            tail: String::new(),
        };
        Self(Arc::new(Mutex::new(buffer)))
    }

    /// Forgets the tail: another call begins.
    pub(crate) fn forget(&self) {
        self.buffer().tail.clear();
    }

    /// The last lines since [`Lines::forget`].
    pub(crate) fn tail(&self) -> String {
        let mut buffer = self.buffer();
        buffer.end_line();
        buffer.tail.trim().to_owned()
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
                let room = LINE_BYTES_MAX - self.line.len();
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
        let line = line.trim_end();
        if !line.is_empty() {
            self.log.write(self.level, None, line);
            if !line.starts_with(HINT) && self.tail.len() + line.len() < TAIL_BYTES_MAX {
                self.tail.push_str(line);
                self.tail.push('\n');
            }
        }
        self.line.clear();
        self.cut = false;
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.end_line();
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

    #[test]
    fn output_becomes_lines_and_an_endless_line_is_cut() {
        let lines = Lines::new(Arc::new(PluginLog::new("p".into(), "v", None)), Level::Info);
        lines.buffer().write(b"one\ntw");
        lines.buffer().write(b"o\n");
        assert_eq!(lines.tail(), "one\ntwo");
        for _ in 0..1000 {
            lines.buffer().write(&[b'x'; 1000]);
        }
        assert_eq!(lines.buffer().line.len(), LINE_BYTES_MAX);
        lines.forget();
        lines.buffer().write(b"\nshort\n");
        assert_eq!(lines.tail(), "short");
    }
}
