//! A plugin's lines in the host's log: marked, cut, and no more than its rate.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use wasmill_model::effects::FailureKind;
use wasmill_model::routes::SecretFile;
use wasmill_model::{MessageId, Name};
use wasmill_port::Call;

use crate::failures::{Due, Failures, Wait};
use crate::handled::Failed;
use crate::masks::Masks;
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
    /// What its lines are of, unless it is handling messages.
    role: Option<&'static str>,
    masks: Masks,
    // Never held across an await, and only for a few instructions.
    window: Arc<Mutex<Window>>,
    failures: Arc<Failures>,
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
            role: None,
            masks: Masks::default(),
            window: Arc::new(window),
            failures: Arc::default(),
            probe,
        }
    }

    /// The same log, in which `secrets` are masked.
    pub(crate) fn masking(&self, secrets: &BTreeMap<String, SecretFile>) -> Self {
        Self {
            plugin: self.plugin.clone(),
            version: self.version.clone(),
            role: self.role,
            masks: Masks::of(secrets),
            window: self.window.clone(),
            failures: self.failures.clone(),
            probe: self.probe.clone(),
        }
    }

    /// The same log, each line of which says what it is of.
    pub(crate) fn marked(self, role: &'static str) -> Self {
        Self {
            role: Some(role),
            ..self
        }
    }

    /// `text` as operators may read it: without the plugin's secrets.
    pub(crate) fn masked<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.masks.apply(text)
    }

    /// How much of a line is of use: what is beyond is neither written nor part of a secret that
    /// is.
    pub(crate) fn line_bytes_max(&self) -> usize {
        LINE_BYTES_MAX + self.masks.longest()
    }

    /// Writes one line, masked and cut at [`LINE_BYTES_MAX`], unless the plugin is over its rate.
    pub(crate) fn write(&self, level: Level, message: Option<MessageId>, line: &str) {
        self.write_held(level, message, line, self.admit());
    }

    /// Writes a line that came earlier, if it was [admitted](Self::admit) then.
    pub(crate) fn write_held(
        &self,
        level: Level,
        message: Option<MessageId>,
        line: &str,
        admitted: bool,
    ) {
        if let Some(probe) = &self.probe {
            probe.line(level, line);
        }
        if !admitted {
            return;
        }
        let line = self.masked(line);
        let line = one_line(cut(&line));
        let (plugin, version, role) = (self.plugin.as_str(), self.version.as_str(), self.role);
        let message = message.map(tracing::field::display);
        match level {
            Level::Trace => {
                tracing::trace!(target: "plugin", plugin, version, role, message, "{line}");
            }
            Level::Debug => {
                tracing::debug!(target: "plugin", plugin, version, role, message, "{line}");
            }
            Level::Info => {
                tracing::info!(target: "plugin", plugin, version, role, message, "{line}");
            }
            Level::Warn => {
                tracing::warn!(target: "plugin", plugin, version, role, message, "{line}");
            }
            Level::Error => {
                tracing::error!(target: "plugin", plugin, version, role, message, "{line}");
            }
        }
    }

    /// Tells of a message that the handler failed to handle, unless it was told enough of such a moment
    /// ago. One that it rejected is a dead letter, which is told of as that; one that is handed back has
    /// not failed, and one that was handled for show is told of elsewhere.
    pub(crate) fn failed(&self, call: &Call, failed: &Failed) {
        let delivery = call.delivery();
        let cause = match failed {
            _ if call.is_handed_back() || self.role.is_some() => return,
            Failed::Asked(failure) if failure.kind == FailureKind::Reject => return,
            Failed::Asked(failure) => &failure.cause,
            Failed::Fault(fault) => &fault.0,
        };
        match self.failures.due(tokio::time::Instant::now()) {
            Due::Counted => {}
            Due::Waits(wait) => self.tell_later(wait),
            Due::Told(untold) => tracing::warn!(
                plugin = self.plugin.as_str(),
                version = self.version,
                topic = delivery.message.topic.as_str(),
                id = %delivery.message.id,
                attempt = delivery.attempt,
                untold,
                cause = cut(cause),
                "the handler failed"
            ),
        }
    }

    /// Tells how many failures were not told of, should none follow with which that is told.
    fn tell_later(&self, wait: Wait) {
        let (plugin, version) = (self.plugin.clone(), self.version.clone());
        let failures = self.failures.clone();
        tokio::spawn(async move {
            tokio::time::sleep_until(wait.until()).await;
            let untold = failures.left(&wait);
            if untold > 0 {
                let plugin = plugin.as_str();
                tracing::warn!(plugin, version, untold, "more calls of the handler failed");
            }
        });
    }

    /// Counts a line that comes; says so once a window when some were not written. True if the plugin
    /// is not over its rate.
    pub(crate) fn admit(&self) -> bool {
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

/// As much of `text` as a line has room for.
fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(LINE_BYTES_MAX)]
}

/// `text` without what would begin another line of the log, or command a terminal.
fn one_line(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| c.is_control() && c != '\t') {
        return text.into();
    }
    let mut line = String::with_capacity(text.len() + 16);
    for c in text.trim_end().chars() {
        match c {
            '\t' => line.push(c),
            c if c.is_control() => line.extend(c.escape_default()),
            c => line.push(c),
        }
    }
    line.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_one() {
        assert_eq!(one_line("plain\tand \u{fc}ber"), "plain\tand \u{fc}ber");
        assert_eq!(one_line("two\nERROR forged\n"), "two\\nERROR forged");
        assert_eq!(one_line("\u{1b}[31mred\r"), "\\u{1b}[31mred");
    }
}
