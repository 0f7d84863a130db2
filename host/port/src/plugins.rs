//! Plugins as operators have them: files that come and go, versions that are kept, and what serves.

use std::collections::BTreeSet;
use std::future::Future;

use wasmill_model::{Millis, Name};

/// Loads plugins, keeps their versions, and says which one serves.
///
/// What is said of one plugin is said one after the other: callers see to that. Everything that
/// changes is durable when a call returns, and a call that fails has changed nothing.
pub trait Plugins: Send + Sync + 'static {
    /// Takes the content of a plugin's file: compiles and checks it, and puts it into service
    /// unless something speaks for the version that serves. Calls in flight end on the old one. Whoever
    /// hears that it was refused says so by [`Plugins::dismiss`].
    fn install(
        &self,
        name: &Name,
        file: File<'_>,
    ) -> impl Future<Output = Result<Installed, Rejected>> + Send;

    /// Notes that what lies there for `name` now cannot serve: no version waits there any more.
    fn dismiss(&self, name: &Name) -> impl Future<Output = ()> + Send;

    /// Puts the version of `name` that is to serve into service, although its file does not load.
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

    /// The names of the plugins in service.
    fn serving(&self) -> Vec<Name>;

    /// How every plugin stands of which a version is kept, by name.
    fn standings(&self) -> Vec<(Name, Standing)>;

    /// How one stands; none if no version of it is kept.
    fn standing(&self, name: &str) -> Option<Standing>;
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
#[error("plugin `{plugin}` was refused: {reason}")]
pub struct Rejected {
    /// The plugin.
    pub plugin: Name,
    /// What does not fit, and the remedy.
    pub reason: String,
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
    #[error("the data directory could not be written: {0}")]
    Storage(String),
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
    /// What is kept, the latest first.
    pub versions: Vec<Version>,
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
