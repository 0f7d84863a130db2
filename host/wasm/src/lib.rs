//! The wasmtime adapter: plugins as sandboxed components behind the `Guests` and `Plugins` ports.
//!
//! It compiles, checks and keeps components, pools their instances, bounds every call, and
//! translates host calls to `port::Call`, where their semantics are. It knows nothing of stores,
//! HTTP routes and queues.

mod cache;
mod component;
mod data;
mod deadline;
mod engine;
mod fault;
mod files;
mod generated;
mod guests;
mod imports;
mod instance;
mod kept;
mod limits;
mod log;
mod pool;
mod registry;
mod surroundings;
mod translate;
mod wasi;

pub use log::Level;
pub use registry::{Config, Error, IdleInstance, Registry};
pub use surroundings::{Answering, HttpClient, Probe, Surroundings};
