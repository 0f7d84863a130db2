//! Plugins as operators have them: files that come and go, versions that are kept, and what serves.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::Future;

use wasmill_model::{Millis, Name};

/// Loads plugins, keeps their versions, and says which one serves.
///
/// What is said of one plugin is said one after the other, but for [`Plugins::prepare`]: callers see to
/// that. Everything that changes is durable when a call returns, and a call that fails has changed
/// nothing. That a file is gone or of no use is true whether or not it can be written down: it holds at
/// once, and is written by [`Plugins::catch_up`] if it could not be then.
pub trait Plugins: Send + Sync + 'static {
    /// The content of a file that fits this host, ready to be put into service.
    type Prepared: Send + 'static;

    /// Compiles and checks the content of a plugin's file, which may take half a minute. Changes
    /// nothing: it may be done beside everything else, and what is prepared may be dropped. Whoever
    /// hears that it was not taken says so by [`Plugins::dismiss`].
    fn prepare(
        &self,
        name: &Name,
        file: File<'_>,
    ) -> impl Future<Output = Result<Self::Prepared, Rejected>> + Send;

    /// Puts what was prepared into service unless something speaks for the version that serves. Calls
    /// in flight end on the old one. Refusals are as those of [`Plugins::prepare`].
    fn take(
        &self,
        prepared: Self::Prepared,
    ) -> impl Future<Output = Result<Installed, Rejected>> + Send;

    /// Prepares and takes the content of a plugin's file.
    fn install(
        &self,
        name: &Name,
        file: File<'_>,
    ) -> impl Future<Output = Result<Installed, Rejected>> + Send {
        async move {
            let prepared = self.prepare(name, file).await?;
            self.take(prepared).await
        }
    }

    /// Notes that what lies there for `name` now was not taken: no version waits there any more.
    fn dismiss(&self, name: &Name) -> impl Future<Output = ()> + Send;

    /// Puts the version of `name` that is to serve into service, although its file was not taken.
    fn restore(&self, name: &Name) -> impl Future<Output = Result<Installed, Rejected>> + Send;

    /// Takes a plugin out of service, since its file is gone. Calls in flight end; its versions
    /// are kept.
    fn remove(&self, name: &Name) -> impl Future<Output = ()> + Send;

    /// Does what an operator wants; tells whether the plugin is in service then.
    fn act(
        &self,
        name: &Name,
        action: Action,
    ) -> impl Future<Output = Result<bool, ActError>> + Send;

    /// Judges the file of `name` anew if it waits, since what it was judged by has changed. Tells
    /// the version that it put into service, if it did.
    fn reconsider(
        &self,
        name: &Name,
    ) -> impl Future<Output = Result<Option<String>, Rejected>> + Send;

    /// The plugins of which something holds that could not be written down, or of which what is
    /// written down cannot be read.
    fn behind(&self) -> Vec<Name>;

    /// Tries that again for `name`.
    fn catch_up(&self, name: &Name) -> impl Future<Output = ()> + Send;

    /// The names of the plugins in service.
    fn serving(&self) -> Vec<Name>;

    /// How every plugin stands of which a version is kept, by name.
    fn standings(&self) -> Vec<(Name, Standing)>;

    /// How one stands; none if no version of it is kept.
    fn standing(&self, name: &str) -> Option<Standing>;

    /// What is wrong with the content of the versions of `name` that are kept, by their hashes: those
    /// that are not named are as they came. Reads all of them.
    fn damages(&self, name: &Name) -> impl Future<Output = BTreeMap<String, String>> + Send;
}

/// What lies in the plugins directory for one plugin.
#[derive(Clone, Copy, Debug)]
pub struct File<'a> {
    /// The component.
    pub component: &'a [u8],
    /// The content of the signature's file, if there is one.
    pub signature: Option<&'a [u8]>,
}

impl<'a> From<&'a [u8]> for File<'a> {
    fn from(component: &'a [u8]) -> Self {
        Self {
            component,
            signature: None,
        }
    }
}

/// What became of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// The content hash of the version that is to serve: SHA-256, hexadecimal.
    pub version: String,
    /// Whether it differs from the one that served before.
    pub changed: bool,
    /// Whether the plugin is in service: not if it is disabled, or if there is nothing to serve.
    pub serving: bool,
    /// Why that is not the version of the file, if it is not.
    pub held: Option<Held>,
}

/// A file's version that is kept, but not let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Its content hash.
    pub version: String,
    /// Why, and what lets it in: one text for each thing.
    pub reasons: Vec<String>,
}

/// Why a file was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("plugin `{plugin}` {}: {reason}", if self.waits() { "waits" } else { "was refused" })]
pub struct Rejected {
    /// The plugin.
    pub plugin: Name,
    /// What does not fit, and the remedy.
    pub reason: String,
    /// What would let it in.
    pub remedy: Remedy,
}

impl Rejected {
    /// Whether it is nothing about the file: it is to be brought again.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.remedy == Remedy::Storage
    }
}

/// What would let a file in that was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Another file.
    File,
    /// Other routes: no key in force has signed it.
    Routes,
    /// A data directory that can be read and written, as it may be in a moment.
    Storage,
}

/// What operators do with versions. One is named by its content hash, or the first 8 or more of
/// its digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Goes back to the version that served before, or to a given one that is kept.
    Rollback {
        /// The version.
        version: Option<String>,
    },
    /// Holds the version that serves, or a given one, whatever the file is.
    Pin {
        /// The version.
        version: Option<String>,
    },
    /// Ends that: the file is let in if nothing else speaks against it.
    Unpin,
    /// Lets a version in that is held for what it asks for.
    Approve {
        /// The version: whoever approves it has seen what it asks for.
        version: String,
    },
    /// Puts a version into service that is a canary under way, which ends by that; a pin holds it from
    /// then on.
    Promote {
        /// The version.
        version: String,
    },
    /// Takes the plugin out of service until it is enabled.
    Disable,
    /// Puts it back.
    Enable,
}

/// As it is typed at a command line.
impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, version) = match self {
            Self::Rollback { version } => ("rollback", version.as_deref()),
            Self::Pin { version } => ("pin", version.as_deref()),
            Self::Unpin => ("unpin", None),
            Self::Approve { version } => ("approve", Some(version.as_str())),
            Self::Promote { version } => ("promote", Some(version.as_str())),
            Self::Disable => ("disable", None),
            Self::Enable => ("enable", None),
        };
        f.write_str(what)?;
        version.map_or(Ok(()), |version| write!(f, " {version}"))
    }
}

/// Why an operator's wish was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ActError {
    /// There is no such plugin.
    #[error("no version of a plugin `{0}` is kept: drop its file into the plugins directory")]
    Unknown(Name),
    /// No kept version has this hash, or several begin so.
    #[error("{0}")]
    NoVersion(String),
    /// What is there does not allow it.
    #[error("{0}")]
    Refused(String),
    /// It could not be written down.
    #[error("the data directory could not be written, so nothing was done: {0}")]
    Storage(String),
}

/// What is wrong with what is written down of a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It cannot be read, and the remedy: nothing is known of the plugin, and nothing of it serves.
    Unreadable(String),
    /// What holds could not be written down yet, and why.
    Unwritten(String),
}

/// How a plugin stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The content hash of the version that serves, or would if it were enabled; none if its file
    /// went and no other was let in, or none ever was.
    pub current: Option<String>,
    /// Whether it is in service.
    pub serving: bool,
    /// Whether its file is gone.
    pub removed: bool,
    /// Whether an operator took it out of service.
    pub disabled: bool,
    /// The version that is held by an operator.
    pub pinned: Option<String>,
    /// The version that one step back leads to.
    pub previous: Option<String>,
    /// The version of the file, if it is not let in.
    pub held: Option<Held>,
    /// The highest version of a state's schema that has served.
    pub state_version: Option<u32>,
    /// What is wrong with what is written down of it.
    pub fault: Option<Fault>,
    /// What is kept, the latest first.
    pub versions: Vec<Version>,
    /// What became of the messages that the version in service was called with.
    pub handled: Handled,
}

/// Calls of the handler of a version, since this process serves it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Handled {
    /// How many.
    pub calls: u64,
    /// Of these, those that failed: the handler asked for a retry or rejected, trapped, or went past a
    /// limit.
    pub failed: u64,
}

/// A version that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its content hash: SHA-256, hexadecimal.
    pub hash: String,
    /// Its bytes.
    pub size: u64,
    /// What its author says of it; none if it was built without a manifest.
    pub about: Option<About>,
    /// When its file first came.
    pub installed_at: Millis,
    /// When it was last put into service; none if it never was.
    pub served_at: Option<Millis>,
    /// What put it into service last, or brought it: `file`, `rollback`, `approve`, `pin`,
    /// `restore` or `promote`.
    pub came: &'static str,
    /// The name of the key that it is signed with, among those in force.
    pub signed_by: Option<Name>,
}

/// What a version's author says of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// The version, as the author counts.
    pub version: String,
    /// The language that it is written in.
    pub language: Option<String>,
    /// What it asks for beyond the contract, such as `http pay.example`.
    pub capabilities: BTreeSet<String>,
    /// The version of the schema of its state.
    pub state_version: u32,
}

#[cfg(test)]
mod tests {
    use super::Action;

    #[test]
    fn an_action_is_told_as_it_is_typed() {
        let version = || Some("0123abcd".to_owned());
        for (action, told) in [
            (Action::Rollback { version: None }, "rollback"),
            (Action::Pin { version: version() }, "pin 0123abcd"),
            (Action::Disable, "disable"),
        ] {
            assert_eq!(action.to_string(), told);
        }
    }
}
