//! The call in progress: what its role may do, and what it did so far.

use std::collections::{BTreeMap, BTreeSet};

use super::bounds::within;
use super::scope::Scope;
use super::sent::Sent;
use crate::limits::{EFFECT_BYTES_MAX, SENDS_MAX};
use crate::{Error, HalfState};

/// What the plugin is called for.
#[derive(Default)]
pub(super) enum Activity {
    /// Nothing.
    #[default]
    Idle,
    /// Its handler runs.
    Handling(Call),
    /// Its query reads the state of a key.
    Answering(Scope),
    /// Its gate looks at a request.
    Admitting,
    /// Its checker decides about a half message.
    Checking,
    /// The state of a key is brought up to date.
    Migrating(Call),
}

/// A handler's call: its effects, until it ends.
#[derive(Default)]
pub(super) struct Call {
    /// None for a message without a key.
    pub(super) scope: Option<Scoped>,
    pub(super) sent: Vec<Sent>,
    /// Ids of messages sent before.
    pub(super) recalled: BTreeSet<String>,
    /// Half messages that end with the commit, and how.
    pub(super) ended: BTreeMap<String, HalfState>,
    sends: usize,
    bytes: usize,
}

/// What a call had sent at one moment.
pub(super) struct Mark {
    sent: usize,
    sends: usize,
    bytes: usize,
}

/// A key and what is kept under it, with the call's own changes.
pub(super) struct Scoped {
    pub(super) key: String,
    pub(super) scope: Scope,
}

impl Activity {
    /// The call of a handler, or of a migration, both of which write state.
    pub(super) fn writing(&mut self, function: &str) -> Result<&mut Call, Error> {
        match self {
            Self::Handling(call) | Self::Migrating(call) => Ok(call),
            other => Err(other.refuses(function)),
        }
    }

    /// The call of a handler, for what only handlers may do.
    pub(super) fn handling(&mut self, function: &str) -> Result<&mut Call, Error> {
        match self {
            Self::Handling(call) => Ok(call),
            other => Err(other.refuses(function)),
        }
    }

    /// The key's state, for who may read it.
    pub(super) fn reading(&self, function: &str) -> Result<&Scope, Error> {
        match self {
            Self::Handling(call) | Self::Migrating(call) => {
                let scoped = call.scope.as_ref().ok_or(Error::NoKey)?;
                Ok(&scoped.scope)
            }
            Self::Answering(scope) => Ok(scope),
            other => Err(other.refuses(function)),
        }
    }

    fn refuses(&self, function: &str) -> Error {
        let why = match self {
            Self::Handling(_) => "is not for handlers",
            Self::Answering(_) => {
                "is refused in `query.answer`: a query only reads; do this in `handler.handle`"
            }
            Self::Admitting => {
                "is refused in `gate.admit`: a gate is stateless; do this in `handler.handle`"
            }
            Self::Checking => {
                "is refused in `checker.check`: a checker only decides; do this in `handler.handle`"
            }
            Self::Migrating(_) => {
                "is refused in `migration.migrate`: it only brings the state up to date; do this in \
                 `handler.handle`"
            }
            Self::Idle => "is refused outside of a call, as while the component starts",
        };
        Error::Invalid(format!("`{function}` {why}"))
    }
}

impl Call {
    pub(super) fn new(scope: Option<Scoped>) -> Self {
        Self {
            scope,
            ..Self::default()
        }
    }

    pub(super) fn scope(&mut self) -> Result<&mut Scope, Error> {
        Ok(&mut self.scoped()?.scope)
    }

    pub(super) fn scoped(&mut self) -> Result<&mut Scoped, Error> {
        self.scope.as_mut().ok_or(Error::NoKey)
    }

    /// Checks that one more message may be sent.
    pub(super) fn may_send(&self) -> Result<(), Error> {
        within("sends per call", self.sends + 1, SENDS_MAX)
    }

    /// Counts a message.
    pub(super) fn count_send(&mut self) {
        self.sends += 1;
    }

    /// How much was sent and counted so far.
    pub(super) fn mark(&self) -> Mark {
        Mark {
            sent: self.sent.len(),
            sends: self.sends,
            bytes: self.bytes,
        }
    }

    /// Takes back what was sent since.
    pub(super) fn take_back(&mut self, mark: Mark) {
        self.sent.truncate(mark.sent);
        self.sends = mark.sends;
        self.bytes = mark.bytes;
    }

    /// Counts bytes that are sent or written.
    pub(super) fn account(&mut self, bytes: usize) -> Result<(), Error> {
        let total = self.bytes.saturating_add(bytes);
        within("bytes sent and written per call", total, EFFECT_BYTES_MAX)?;
        self.bytes = total;
        Ok(())
    }
}
