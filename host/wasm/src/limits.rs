//! Bounds of one instance: its memories and tables together, and how many of each there are.

use wasmtime::ResourceLimiter;

/// Core instances of one component; Python's largest have about fifty.
pub(crate) const CORE_INSTANCES_MAX: usize = 128;
/// Linear memories of one component.
pub(crate) const MEMORIES_MAX: usize = 8;
/// Tables of one component.
pub(crate) const TABLES_MAX: usize = 128;
/// Elements of one table.
pub(crate) const TABLE_ELEMENTS_MAX: usize = 64 << 10;
/// Calls of host functions within one call of a guest.
pub(crate) const HOST_CALLS_MAX: u32 = 100_000;
/// Bytes that one call of the host may bring, as the host holds them, however large an instance's memory
/// is: lists of the same bytes over and over may be far more than that.
pub(crate) const HOST_CALL_BYTES_MAX: usize = 128 << 20;
/// Resources of WASI that an instance may hold.
pub(crate) const RESOURCES_MAX: usize = 1_024;
/// Bytes of one set of HTTP headers, as the host holds them: all that an instance can hold are about
/// as much as its memory.
pub(crate) const FIELDS_BYTES_MAX: usize = 64 << 10;
/// Calls after which an instance is replaced unless told otherwise, so that what a guest leaks stays
/// small.
pub(crate) const CALLS_PER_INSTANCE_MAX: u32 = 10_000;

/// Sums what all memories and tables of an instance hold. They never shrink, so the sum at the end
/// of a call is the most that the instance held until then.
#[derive(Debug)]
pub(crate) struct InstanceLimiter {
    bytes: usize,
    bytes_max: usize,
    /// The last growth that was let through, should it fail after all.
    granted: usize,
    refused: Option<usize>,
}

impl InstanceLimiter {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            bytes: 0,
            bytes_max,
            granted: 0,
            refused: None,
        }
    }

    /// What the instance holds, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// What the guest asked for when it was last refused, in bytes; forgotten by this.
    pub(crate) fn take_refused(&mut self) -> Option<usize> {
        self.refused.take()
    }

    /// The bound, in bytes.
    pub(crate) fn bytes_max(&self) -> usize {
        self.bytes_max
    }

    fn grow(&mut self, current: usize, desired: usize) -> bool {
        let wanted = self.bytes.saturating_add(desired.saturating_sub(current));
        self.granted = 0;
        if wanted > self.bytes_max {
            self.refused = Some(wanted);
            return false;
        }
        self.granted = wanted - self.bytes;
        self.bytes = wanted;
        true
    }

    /// What was let through last could not be had: over the memory's own maximum, for one.
    fn failed(&mut self) {
        self.bytes -= std::mem::take(&mut self.granted);
    }
}

impl ResourceLimiter for InstanceLimiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.grow(current, desired))
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.failed();
        Ok(())
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let bytes = |elements: usize| elements.saturating_mul(size_of::<usize>());
        Ok(self.grow(bytes(current), bytes(desired)))
    }

    fn table_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.failed();
        Ok(())
    }

    fn instances(&self) -> usize {
        CORE_INSTANCES_MAX
    }

    fn tables(&self) -> usize {
        TABLES_MAX
    }

    fn memories(&self) -> usize {
        MEMORIES_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_small_memories_and_tables_count_together() {
        let mut limiter = InstanceLimiter::new(1000);
        assert!(limiter.memory_growing(0, 500, None).unwrap());
        assert!(limiter.table_growing(0, 50, None).unwrap());
        assert!(!limiter.memory_growing(0, 101, None).unwrap());
        assert_eq!(limiter.take_refused(), Some(1001));
        assert!(limiter.memory_growing(500, 600, None).unwrap());
    }

    #[test]
    fn a_growth_that_fails_is_not_counted_and_one_that_was_refused_is_not_given_back() {
        let mut limiter = InstanceLimiter::new(1000);
        let failed = || wasmtime::Error::msg("over the memory's maximum");
        assert!(limiter.memory_growing(0, 300, None).unwrap());
        assert!(limiter.memory_growing(300, 900, None).unwrap());
        limiter.memory_grow_failed(failed()).unwrap();
        assert_eq!(limiter.bytes(), 300);
        assert!(!limiter.memory_growing(300, 2000, None).unwrap());
        limiter.memory_grow_failed(failed()).unwrap();
        assert_eq!(limiter.bytes(), 300);
    }
}
