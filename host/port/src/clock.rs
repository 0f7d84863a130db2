//! The time, as an argument.

use wasmill_model::Millis;

/// Tells the platform's time. Never goes backward within a process.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> Millis;

    /// Never again says less than `floor`: after a restart, the latest time that was committed.
    fn raise(&self, floor: Millis);
}
