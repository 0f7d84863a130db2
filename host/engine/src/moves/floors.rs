//! How far the log must reach back for replays, whichever of the last records a crash takes away.

use std::collections::VecDeque;

/// Blocks that replays were yet to read before their last steps, while these are not durable.
#[derive(Debug, Default)]
pub(crate) struct Floors(VecDeque<Floor>);

#[derive(Debug)]
struct Floor {
    /// The step is durable once so many blocks are.
    barrier: u64,
    /// Without it, the log must reach back to this block.
    block: u64,
}

impl Floors {
    /// A replay took a step, before which the log had to reach back to `block`.
    pub(crate) fn step(&mut self, barrier: u64, block: u64) {
        match self.0.back_mut() {
            Some(last) if last.barrier == barrier => last.block = last.block.min(block),
            _ => self.0.push_back(Floor { barrier, block }),
        }
    }

    /// The first block that is needed if no more than `durable` blocks are left.
    pub(crate) fn lowest(&mut self, durable: u64) -> Option<u64> {
        let past = self.0.partition_point(|it| it.barrier <= durable);
        self.0.drain(..past);
        self.0.iter().map(|it| it.block).min()
    }
}
