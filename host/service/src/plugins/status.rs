//! A plugin as operators see it.

use wasmill_model::{Millis, Name};
use wasmill_port::plugins::{Fault, Rejected, Standing};

/// A plugin as operators see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginStatus {
    /// Its name.
    pub plugin: Name,
    /// How it stands; none if nothing of it is kept, since its file was not taken.
    pub standing: Option<Standing>,
    /// Why its file was refused, if that was the last thing that became of one.
    pub refused: Option<Refusal>,
    /// What the data directory does not allow, and why: it is tried again.
    pub waits: Option<String>,
    /// Since when a file of it is being compiled and checked, if one is.
    pub compiling: Option<Millis>,
}

/// The last file of a plugin that was refused, since the host started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// When.
    pub at: Millis,
    /// Why, and the remedy.
    pub reason: String,
}

/// Why the last file of a plugin was not taken, since the host started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Untaken {
    /// It cannot serve.
    Refused(Refusal),
    /// The data directory did not allow it.
    Waits(String),
    /// It was held, is not any more, and the data directory did not allow that.
    HeldWaits(String),
}

impl Untaken {
    pub(super) fn of(rejected: &Rejected, at: Millis) -> Self {
        let reason = rejected.reason.clone();
        match rejected.waits() {
            true => Self::Waits(reason),
            false => Self::Refused(Refusal { at, reason }),
        }
    }

    /// Why it waits, if it does.
    pub(super) fn waits(&self) -> Option<&str> {
        match self {
            Self::Refused(_) => None,
            Self::Waits(why) | Self::HeldWaits(why) => Some(why),
        }
    }
}

impl PluginStatus {
    pub(super) fn new(
        plugin: Name,
        standing: Option<Standing>,
        untaken: Option<Untaken>,
        compiling: Option<Millis>,
    ) -> Self {
        let (refused, waits) = match untaken {
            None => (None, None),
            Some(Untaken::Refused(refusal)) => (Some(refusal), None),
            Some(Untaken::Waits(why) | Untaken::HeldWaits(why)) => (None, Some(why)),
        };
        let fault = standing.as_ref().and_then(|it| it.fault.as_ref());
        let fault = fault.map(|fault| match fault {
            Fault::Unreadable(why) | Fault::Unwritten(why) => why.clone(),
        });
        Self {
            plugin,
            standing,
            refused,
            waits: waits.or(fault),
            compiling,
        }
    }
}
