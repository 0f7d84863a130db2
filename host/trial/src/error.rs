//! Why a trial cannot be run to its end.

use wasmill_engine::codec::DecodeError;
use wasmill_port::store::{self, AppendError};
use wasmill_service::{StartError, ViewWorkError};

/// Why a trial cannot be run to its end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The plugin does not load.
    #[error(transparent)]
    Plugin(#[from] wasmill_port::plugins::Rejected),
    /// It asks for more than the routes grant.
    #[error("a host would hold the plugin: {0}")]
    Held(String),
    /// The routes give the plugin nothing to do.
    #[error(
        "the routes have no subscription of plugin `{0}`, nor a route that it answers: add one, or name the plugin as they do \
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
    /// A request of the scenario has no route.
    #[error("the request of the step in line {line} goes nowhere: {why}")]
    NoRoute {
        /// Where the step begins.
        line: usize,
        /// What is wrong, and the remedy.
        why: String,
    },
    /// A step comes to no end.
    #[error(
        "more than {0} calls and due times in one step: the plugin sends to itself, or sets its \
         timer anew, for ever; let it end, or `advance` by less"
    )]
    Endless(usize),
    /// There are too many places at which the host may die.
    #[error(
        "the host may die at {places} places, and at most {places_max} are tried: make several \
         scenarios of this one"
    )]
    ManyPlaces {
        /// How many there are.
        places: usize,
        /// How many are tried.
        places_max: usize,
    },
    /// A step sends what the plugin never gets.
    #[error(
        "the step in line {line} sends to `{topic}`, which no subscription of plugin `{plugin}` \
         receives: add one to the routes, or to `routes_added`, or send to another topic"
    )]
    Unheard {
        /// Where the step begins.
        line: usize,
        /// Where it sends.
        topic: String,
        /// The plugin.
        plugin: String,
    },
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
