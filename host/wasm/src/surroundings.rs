//! What trials put around guests: who looks on at their calls, and who answers their HTTP.
//!
//! A host that serves has neither, and pays a look at an empty option for each call of the host.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};

use crate::log::Level;

/// Looks on at what guests do. Called on the thread that runs the guest, so it must not wait.
pub trait Probe: Send + Sync + 'static {
    /// A guest calls `function` of the contract, such as `state.put`, or one of `wasi:filesystem` that
    /// changes something, such as `filesystem.write`.
    ///
    /// # Errors
    /// A text traps the guest with it, before the function does anything.
    fn host_call(&self, function: &'static str) -> Result<(), String>;

    /// A guest wrote a line: with `log.write`, or to stdout or stderr. It is not cut yet, and no
    /// rate was asked.
    fn line(&self, level: Level, line: &str);

    /// A handler's call ended; its instance holds so much memory.
    fn handled(&self, memory_bytes: usize);
}

/// An answer on its way; a text if there is none: why.
pub type Answering = Pin<Box<dyn Future<Output = Result<Response<Bytes>, String>> + Send>>;

/// Answers HTTP requests of plugins in place of the network.
pub trait HttpClient: Send + Sync + 'static {
    /// Answers a request, whose body is complete, to a host that was granted. The future is dropped
    /// when the guest's call ends.
    fn send(&self, request: Request<Bytes>) -> Answering;
}

/// What is around guests, where it is not as in a host that serves.
#[derive(Clone, Default)]
pub struct Surroundings {
    /// Looks on.
    pub probe: Option<Arc<dyn Probe>>,
    /// Stands in for the network.
    pub http: Option<Arc<dyn HttpClient>>,
    /// Whether a message that is handled again draws the same random numbers as before.
    pub same_random: bool,
}

impl fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings")
            .field("probe", &self.probe.is_some())
            .field("http", &self.http.is_some())
            .field("same_random", &self.same_random)
            .finish()
    }
}
