//! The time, as an argument.

use wasmill_model::Millis;

/// Tells the platform's time. Never goes backward within a process.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> Millis;
}
