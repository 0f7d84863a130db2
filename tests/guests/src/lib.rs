//! Guests that misbehave, one file each in `examples`, and how tests get them as components.
//!
//! On the host this crate builds them; in a guest it is the contract's bindings.

#[cfg(not(target_family = "wasm"))]
mod build;
#[cfg(target_family = "wasm")]
pub mod guest;

#[cfg(not(target_family = "wasm"))]
pub use build::{ALL, bytes, component};
