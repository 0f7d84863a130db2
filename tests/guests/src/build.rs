//! Builds all guests as components, once per test process.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The guests: the files in `examples`.
pub const ALL: &[&str] = &[
    "alarm",
    "alarms",
    "burglar",
    "calls_first",
    "chatter",
    "counter",
    "delayer",
    "door",
    "doubler",
    "draws",
    "endless_loop",
    "fetch",
    "files",
    "flood",
    "half",
    "huge_body",
    "intruder",
    "marks",
    "marks_first",
    "memory_hog",
    "portable",
    "post",
    "recursion",
    "refuse",
    "secretive",
    "remembers",
    "rewrites",
    "sleeper",
    "starter",
    "tail",
    "tally",
    "teller",
    "ticks",
    "trap",
];

/// The component of the guest of this name, as a file.
///
/// # Panics
/// If there is no such guest, or the guests do not build; the message says why.
#[must_use]
pub fn component(name: &str) -> PathBuf {
    assert!(ALL.contains(&name), "no guest is called `{name}`");
    directory().join(format!("{name}.wasm"))
}

/// The component of the guest of this name.
///
/// # Panics
/// As [`component`].
#[must_use]
pub fn bytes(name: &str) -> Vec<u8> {
    let path = component(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Where the components are, built when first asked for.
fn directory() -> &'static Path {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    DIRECTORY.get_or_init(build)
}

/// A target directory of its own keeps this build from waiting for the one that runs the tests.
fn build() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target = root.join("target/guests");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(&root)
        .args([
            "build",
            "--package",
            "wasmill-test-guests",
            "--features",
            "guest",
            "--examples",
        ])
        .args(["--release", "--target", "wasm32-wasip2", "--target-dir"])
        .arg(&target)
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .output()
        .expect("cargo runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "the guests do not build; if the target is missing, `rustup target add wasm32-wasip2`\n{said}"
    );
    target.join("wasm32-wasip2/release/examples")
}
