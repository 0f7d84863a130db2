//! The wasmtime adapter: plugins as sandboxed components behind the `Guests` and `Plugins` ports.
//!
//! It compiles, checks and keeps components, pools their instances, bounds every call, and
//! translates host calls to `port::Call`, where their semantics are. It counts what each version
//! uses, and has plugins share the host. It knows nothing of stores, HTTP routes and queues.

mod account;
mod cache;
mod candidate;
mod component;
mod data;
mod deadline;
mod engine;
mod failures;
mod fault;
mod files;
mod generated;
mod guests;
mod hand_over;
mod handled;
mod imports;
mod instance;
mod limits;
mod log;
mod masks;
mod metrics;
mod pool;
mod registry;
mod share;
mod surroundings;
mod translate;
mod versions;
mod wasi;

pub use log::Level;
pub use metrics::Metrics;
pub use registry::{Config, Error, IdleInstance, Prepared, Registry, Understudy};
pub use surroundings::{Answering, HttpClient, Probe, Surroundings};
