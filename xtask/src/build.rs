//! Building what runs: the host natively, the plugins as components.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use testkit::artifacts::{PLUGINS, WASM_PROFILE, WASM_TARGET, workspace};

use crate::process::{cargo, run};

/// Builds the host with all native programs, and the plugins.
///
/// # Errors
/// If a build fails.
pub(crate) fn all() -> Result<()> {
    native()?;
    plugins()
}

/// Builds the native programs, `wasmill` among them. All of the workspace in one build: cargo
/// unites the features of what it builds together, and so a build of one package would compile
/// wasmtime once, and the tests of the workspace once more with other features.
///
/// # Errors
/// If the build fails.
pub(crate) fn native() -> Result<()> {
    run(cargo().args(["build", "--release", "--locked", "--workspace", "--bins"]))
}

/// Builds the bundled plugins.
///
/// # Errors
/// As [`wasm_target`], or if the build fails.
pub(crate) fn plugins() -> Result<()> {
    wasm_target()?;
    let mut command = cargo();
    command.args([
        "build",
        "--locked",
        "--profile",
        WASM_PROFILE,
        "--target",
        WASM_TARGET,
    ]);
    for name in PLUGINS {
        command.args(["--package", &format!("wasmill-plugin-{name}")]);
    }
    run(&mut command)
}

/// Installs the plugins' target if the toolchain lacks it.
///
/// # Errors
/// If it is absent and cannot be installed.
pub(crate) fn wasm_target() -> Result<()> {
    if has_wasm_target()? {
        return Ok(());
    }
    let mut rustup = Command::new("rustup");
    rustup
        .args(["target", "add", WASM_TARGET])
        .current_dir(workspace());
    run(&mut rustup).with_context(|| {
        format!(
            "plugins are built for {WASM_TARGET}, which this toolchain lacks: install rustup \
             (https://rustup.rs), or add the target by the means that your toolchain came with"
        )
    })
}

/// Whether the toolchain can build for wasm. Asked of rustc itself, so that a toolchain without
/// rustup serves as well.
fn has_wasm_target() -> Result<bool> {
    let mut rustc = Command::new("rustc");
    rustc.args(["--print", "target-libdir", "--target", WASM_TARGET]);
    let asked = rustc
        .current_dir(workspace())
        .stderr(Stdio::null())
        .output();
    let asked = asked.context("cannot start rustc")?;
    let folder = String::from_utf8_lossy(&asked.stdout);
    Ok(asked.status.success() && Path::new(folder.trim()).is_dir())
}
