//! A plugin's lines in the host's log: marked, cut, and no more than its rate.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use wasmill_model::{MessageId, Name};

use crate::surroundings::Probe;

/// Longest line; a longer one is cut.
pub(crate) const LINE_BYTES_MAX: usize = 8 << 10;
/// Lines of one plugin within [`WINDOW`]; what is beyond is counted.
const LINES_MAX: u32 = 1_000;
const WINDOW: Duration = Duration::from_secs(1);

/// The levels of a line, least urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Each step.
    Trace,
    /// For whoever looks for a fault.
    Debug,
    /// What happened, as it should.
    Info,
    /// What somebody should look at.
    Warn,
    /// What went wrong.
    Error,
}

/// The log of one version of a plugin, shared by its instances.
pub(crate) struct PluginLog {
    plugin: Name,
    /// The first digits of the content hash.
    version: String,
    // Never held across an await, and only for a few instructions.
    window: Mutex<Window>,
    probe: Option<Arc<dyn Probe>>,
}

#[derive(Debug)]
struct Window {
    began: Instant,
    lines: u32,
}

impl PluginLog {
    pub(crate) fn new(plugin: Name, version: &str, probe: Option<Arc<dyn Probe>>) -> Self {
        let version = version.get(..12).unwrap_or(version).to_owned();
        let window = Mutex::new(Window {
            began: Instant::now(),
            lines: 0,
        });
        Self {
            plugin,
            version,
            window,
            probe,
        }
    }

    /// Writes one line, cut at [`LINE_BYTES_MAX`], unless the plugin is over its rate.
    pub(crate) fn write(&self, level: Level, message: Option<MessageId>, line: &str) {
        if let Some(probe) = &self.probe {
            probe.line(level, line);
        }
        if !self.admit() {
            return;
        }
        let line = &line[..line.floor_char_boundary(LINE_BYTES_MAX)];
        let (plugin, version) = (self.plugin.as_str(), self.version.as_str());
        let message = message.map(tracing::field::display);
        match level {
            Level::Trace => tracing::trace!(target: "plugin", plugin, version, message, "{line}"),
            Level::Debug => tracing::debug!(target: "plugin", plugin, version, message, "{line}"),
            Level::Info => tracing::info!(target: "plugin", plugin, version, message, "{line}"),
            Level::Warn => tracing::warn!(target: "plugin", plugin, version, message, "{line}"),
            Level::Error => tracing::error!(target: "plugin", plugin, version, message, "{line}"),
        }
    }

    /// Counts a line; says so once a window when some were not written.
    fn admit(&self) -> bool {
        let mut window = self.window();
        if window.began.elapsed() >= WINDOW {
            let dropped = window.lines.saturating_sub(LINES_MAX);
            if dropped > 0 {
                tracing::warn!(
                    target: "plugin", plugin = %self.plugin, dropped,
                    "the plugin wrote more than {LINES_MAX} lines a second; the rest was dropped"
                );
            }
            *window = Window {
                began: Instant::now(),
                lines: 0,
            };
        }
        window.lines = window.lines.saturating_add(1);
        window.lines <= LINES_MAX
    }

    fn window(&self) -> MutexGuard<'_, Window> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
