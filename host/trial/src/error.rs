//! Why a trial cannot be run to its end.

use wasmill_engine::codec::DecodeError;
use wasmill_port::store::{self, AppendError};
use wasmill_service::{StartError, ViewWorkError};

/// Why a trial cannot be run to its end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The plugin does not load.
    #[error(transparent)]
    Plugin(#[from] wasmill_port::guest::Rejected),
    /// The routes give the plugin nothing to do.
    #[error(
        "the routes have no subscription of plugin `{0}`: add one, or name the plugin as they do \
         with `--name`"
    )]
    NotRouted(String),
    /// A message of the scenario is none that a host takes.
    #[error("the message of the step in line {line} is refused: {why}")]
    Refused {
        /// Where the step begins.
        line: usize,
        /// What is wrong, and the remedy.
        why: String,
    },
    /// A step comes to no end.
    #[error("more than {0} messages were handled in one step: the plugin sends to itself for ever")]
    Endless(usize),
    /// Two runs of the same scenario differ.
    #[error(
        "the plugin does not do the same twice, so that nothing can be told of a crash: {0}; see \
         that it goes by messages, state and the host's clock alone"
    )]
    Unsteady(String),
    /// The host itself failed.
    #[error("the trial's host failed: {0}")]
    Host(String),
}

/// What the host says of itself.
macro_rules! of_host {
    ($($error:ty),*) => {
        $(impl From<$error> for Error {
            fn from(error: $error) -> Self {
                Self::Host(error.to_string())
            }
        })*
    };
}

of_host!(
    AppendError,
    DecodeError,
    StartError,
    ViewWorkError,
    std::io::Error,
    store::Error,
    wasmill_wasm::Error
);
