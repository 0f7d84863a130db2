//! How a command fails: with a cause for people, and an exit code for scripts.

use std::process::ExitCode;

use super::Refusal;

/// Why a command ended without success.
#[derive(Debug)]
pub(crate) struct Failure {
    cause: anyhow::Error,
    /// 1: it failed while running. 2: it was told something wrong.
    code: u8,
}

impl Failure {
    /// What the command was told is wrong, and has to be changed before it is run again.
    pub(crate) fn config(cause: impl Into<anyhow::Error>) -> Self {
        Self {
            cause: cause.into(),
            code: 2,
        }
    }

    /// What the host refused, if that is why.
    pub(crate) fn refusal(&self) -> Option<&Refusal> {
        self.cause.downcast_ref()
    }

    /// That it happened while something was done.
    pub(crate) fn during(self, what: String) -> Self {
        Self {
            cause: self.cause.context(what),
            ..self
        }
    }

    /// Tells people; returns what scripts get.
    pub(crate) fn report(&self) -> ExitCode {
        eprintln!("error: {:#}", self.cause);
        ExitCode::from(self.code)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(cause: anyhow::Error) -> Self {
        Self { cause, code: 1 }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        match refusal.is_of_what_was_told() {
            true => Self::config(refusal),
            false => anyhow::Error::from(refusal).into(),
        }
    }
}
