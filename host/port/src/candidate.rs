//! Versions on trial beside the one that serves: as canaries, which handle a share of the keys, and
//! as shadows, which handle messages for comparison only.

use std::future::Future;
use std::time::Duration;

use wasmill_model::{MessageId, Millis, Name, Share};

use crate::compare::Difference;
use crate::plugins::ActError;

/// Messages that a canary must have handled to come into service by itself.
pub const PROMOTED_MESSAGES_MIN: u64 = 20;
/// Most messages that differ of which a shadow keeps how.
pub const DIFFERING_MAX: usize = 100;

/// Tries versions beside those that serve: one of a plugin at a time. A trial is over when the
/// process ends, whatever became of it: the running version serves alone then.
pub trait Candidates: Send + Sync + 'static {
    /// Tries a version that is kept, named by its content hash, or the first 8 or more of its
    /// digits.
    ///
    /// # Errors
    /// [`ActError`] if there is no such version, it may not serve, or another one is on trial.
    fn try_version(
        &self,
        plugin: &Name,
        version: &str,
        plan: Plan,
    ) -> impl Future<Output = Result<Candidate, ActError>> + Send;

    /// The version of a plugin on trial, or the last one that was since the process began.
    fn candidate(&self, plugin: &str) -> Option<Candidate>;

    /// Ends a trial. True if one was under way that is not being promoted.
    fn end_trial(&self, plugin: &str, ended: Ended) -> bool;
}

/// How a version is to be tried.
#[derive(Clone, Debug, PartialEq)]
pub enum Plan {
    /// It handles a share of the keys.
    Canary(CanaryPlan),
    /// It handles messages for comparison only.
    Shadow(ShadowPlan),
}

/// How a canary is to be.
#[derive(Clone, Debug, PartialEq)]
pub struct CanaryPlan {
    /// The share of the keys that it handles, or of the messages that have none.
    pub share: Share,
    /// For how long it is compared: more than nothing.
    pub window: Duration,
    /// Whether it comes into service at the window's end, if it held.
    pub promote: bool,
    /// When it is rolled back.
    pub bounds: CanaryBounds,
}

impl Default for CanaryPlan {
    /// Five percent for ten minutes, and then it waits.
    fn default() -> Self {
        const SHARE: Share = Share::hundredths(500).expect("a share");
        Self {
            share: SHARE,
            window: Duration::from_secs(600),
            promote: false,
            bounds: CanaryBounds::default(),
        }
    }
}

/// How much worse than the running version a canary may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CanaryBounds {
    /// Times the running version's rate of errors: retries, rejects and faults of first attempts.
    pub errors: f64,
    /// Times its 99th percentile of a call's time.
    pub latency: f64,
    /// Times its mean fuel of a call.
    pub fuel: f64,
}

impl Default for CanaryBounds {
    fn default() -> Self {
        Self {
            errors: 2.0,
            latency: 2.0,
            fuel: 2.0,
        }
    }
}

/// How a shadow is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShadowPlan {
    /// The share of the messages that it handles, too.
    pub sample: Share,
    /// How many messages that differ are kept to be shown.
    pub count: usize,
}

impl Default for ShadowPlan {
    /// All messages, of which 20 that differ are kept.
    fn default() -> Self {
        Self {
            sample: Share::ALL,
            count: 20,
        }
    }
}

/// A version on trial.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The plugin.
    pub plugin: Name,
    /// The content hash of the candidate.
    pub version: String,
    /// The content hash of the version that it is compared with.
    pub running: String,
    /// When the trial began.
    pub since: Millis,
    /// Why it is over; none while it goes on.
    pub ended: Option<Ended>,
    /// What it is tried by.
    pub trial: Trial,
}

impl Candidate {
    /// Whether it is to come into service by itself once its window is over.
    #[must_use]
    pub fn is_to_be_promoted(&self) -> bool {
        let Trial::Canary {
            plan, candidate, ..
        } = &self.trial
        else {
            return false;
        };
        self.ended.is_none() && plan.promote && candidate.messages >= PROMOTED_MESSAGES_MIN
    }
}

/// How a version is tried, and what came of it so far.
#[derive(Clone, Debug, PartialEq)]
pub enum Trial {
    /// It handles a share of the keys.
    Canary {
        /// How.
        plan: CanaryPlan,
        /// Until when it is compared.
        until: Millis,
        /// What the running version did since then, with its own keys.
        running: Figures,
        /// What the candidate did.
        candidate: Figures,
    },
    /// It handles messages for comparison.
    Shadow {
        /// How.
        plan: ShadowPlan,
        /// What came of it.
        seen: Shadowed,
    },
}

/// Why a trial is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The candidate was worse, and handles no more.
    RolledBack(String),
    /// It came into service.
    Promoted,
    /// An operator ended it.
    Stopped,
    /// It could not go on: another version serves, for one.
    Broken(String),
}

/// First attempts that a version of a plugin handled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// How many.
    pub messages: u64,
    /// How many of them failed: retries, rejects and faults.
    pub errors: u64,
    /// Mean fuel of a call, without the first ones of instances.
    pub fuel_mean: u64,
    /// The 99th percentile of a call's time, to a quarter at most; without the first ones of instances.
    pub p99: Duration,
}

/// What came of a shadow so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shadowed {
    /// Messages that both versions handled.
    pub messages: u64,
    /// Those with which they did the same.
    pub same: u64,
    /// Those with which the candidate trapped, or went past a limit or its time.
    pub faults: u64,
    /// Its requests by HTTP to which no answer was recorded.
    pub unanswered: u64,
    /// Fuel of the running version's calls, and of the candidate's; without those that were the first
    /// of an instance.
    pub fuel: [u64; 2],
    /// Time of the same calls.
    pub time: [Duration; 2],
    /// The first messages that differ.
    pub differing: Vec<Differing>,
}

/// A message with which two versions did not do the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Differing {
    /// The message.
    pub message: MessageId,
    /// The subscription that delivered it.
    pub subscription: Name,
    /// The key that it had there.
    pub key: Option<Name>,
    /// What differs: at most 16 things, each a line or two.
    pub differences: Vec<Difference>,
}
