//! The wasmtime engine: what every component is compiled for and every instance runs in.

use std::num::NonZeroUsize;
use std::time::Duration;

use wasmtime::{
    Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Result,
    WasmBacktraceDetails,
};

use crate::limits;

/// Calls in progress over all plugins. A thousand handlers of one plugin may wait for HTTP and
/// leave room for the others.
pub(crate) const CALLS_MAX: u32 = 4_096;
/// Instances kept for reuse over all plugins, beside those in use.
pub(crate) const IDLE_MAX: u32 = 512;
/// How long a guest computes before it lets others run.
const TICK: Duration = Duration::from_millis(5);
/// Stack of a guest.
const STACK_BYTES_MAX: usize = 1 << 20;

/// An engine and the thread that advances its epoch, which ends with the engine.
pub(crate) fn start() -> Result<Engine> {
    let engine = Engine::new(config().allocation_strategy(pooling())).or_else(|error| {
        // Pooling reserves address space, which a container may not grant.
        tracing::warn!(%error, "no instance pool: instances are allocated one by one");
        Engine::new(config().allocation_strategy(InstanceAllocationStrategy::OnDemand))
    })?;
    let weak = engine.weak();
    std::thread::Builder::new()
        .name("wasm-epoch".to_owned())
        .spawn(move || {
            while let Some(engine) = weak.upgrade() {
                engine.increment_epoch();
                drop(engine);
                std::thread::sleep(TICK);
            }
        })?;
    Ok(engine)
}

fn config() -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .consume_fuel(true)
        .epoch_interruption(true)
        .max_wasm_stack(STACK_BYTES_MAX)
        .async_stack_size(2 * STACK_BYTES_MAX)
        // The contract has no `async func`; without it a call is cheaper.
        .concurrency_support(false)
        .wasm_backtrace_details(WasmBacktraceDetails::Enable)
        // A panic alone takes a dozen.
        .wasm_backtrace_max_frames(NonZeroUsize::new(48))
        // One thread per component leaves the others to the plugins that serve.
        .parallel_compilation(false);
    config
}

fn pooling() -> PoolingAllocationConfig {
    let instances = CALLS_MAX + IDLE_MAX + 64;
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_core_instances(instances * 8)
        .total_memories(instances)
        .total_tables(instances * 4)
        .total_stacks(instances)
        .max_core_instances_per_component(narrow(limits::CORE_INSTANCES_MAX))
        .max_memories_per_component(narrow(limits::MEMORIES_MAX))
        .max_tables_per_component(narrow(limits::TABLES_MAX))
        .max_tables_per_module(narrow(limits::TABLES_MAX))
        .max_memories_per_module(narrow(limits::MEMORIES_MAX))
        .max_component_instance_size(1 << 20)
        .max_core_instance_size(1 << 20)
        .table_elements(limits::TABLE_ELEMENTS_MAX)
        // A fresh instance in a slot used before: zeroing a little is cheaper than madvise.
        .linear_memory_keep_resident(64 << 10)
        .table_keep_resident(4 << 10)
        .decommit_batch_size(16);
    pool
}

fn narrow(bound: usize) -> u32 {
    u32::try_from(bound).unwrap_or(u32::MAX)
}
