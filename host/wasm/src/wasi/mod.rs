//! WASI for one instance: deny by default, and what the operator granted.

mod files;
mod http;
mod output;
mod random;
mod tape;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use wasmill_model::routes::Grants;
use wasmill_port::Clock;
use wasmtime::Result;
use wasmtime_wasi::{FsPerms, HostWallClock, WasiCtx, WasiCtxBuilder};

pub(crate) use files::link as link_files;
pub(crate) use http::{HttpGate, Outgoing};
pub(crate) use output::Lines;
pub(crate) use random::Draws;
pub(crate) use tape::{Recording, Tape};

/// Random bytes that a guest gets at once; more are a trap.
const RANDOM_BYTES_MAX: u64 = 1 << 20;

/// A context that grants `grants` and no more; `files` is the plugin's own directory. With `draws`,
/// random numbers are those.
pub(crate) fn context(
    grants: &Grants,
    files: &Path,
    clock: Arc<dyn Clock>,
    stdout: Lines,
    stderr: Lines,
    draws: Option<&Draws>,
) -> Result<WasiCtx> {
    let mut builder = WasiCtxBuilder::new();
    builder
        .wall_clock(PlatformClock(clock))
        .stdout(stdout)
        .stderr(stderr)
        .max_random_size(RANDOM_BYTES_MAX)
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false);
    if let Some(draws) = draws {
        builder
            .secure_random(draws.clone())
            .insecure_random(draws.clone())
            .insecure_random_seed(0);
    }
    for (name, value) in &grants.env {
        builder.env(name, value);
    }
    if grants.files {
        builder.preopened_dir(files, "/", FsPerms::ReadWrite)?;
    }
    Ok(builder.build())
}

/// The platform's time, so that guests and engine agree on it.
struct PlatformClock(Arc<dyn Clock>);

impl HostWallClock for PlatformClock {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        Duration::from_millis(self.0.now().0)
    }
}
