//! What one call of an instance used.

use wasmill_model::record::Used;
use wasmill_port::Call;

/// What a call used, as its store tells at its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bill {
    pub(crate) fuel: u64,
    pub(crate) host_calls: u32,
    /// What the instance held at the end, which is the most that it ever held.
    pub(crate) memory_bytes: u64,
    /// What it holds more than when the call began.
    pub(crate) memory_grown_bytes: u64,
}

impl Bill {
    /// What the record of `call` tells of it.
    pub(crate) fn used(&self, call: &Call) -> Used {
        Used {
            memory_bytes: self.memory_bytes,
            memory_grown_bytes: self.memory_grown_bytes,
            host_calls: self.host_calls,
            bytes_in: call.delivery().message.body.len() as u64,
            bytes_out: call.effect_bytes() as u64,
        }
    }
}
