//! Where the built things are: the host's binary, plugins and guests as components.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// The bundled plugins.
pub const PLUGINS: [&str; 7] = [
    "account", "coupon", "notify", "order", "payment", "points", "stock",
];

/// The target that plugins are built for.
pub const WASM_TARGET: &str = "wasm32-wasip2";

/// The profile that plugins are built with.
pub const WASM_PROFILE: &str = "plugin";

/// What to do when something is not built.
const REMEDY: &str = "run `cargo xtask build` first, or all of it with `cargo xtask test`";

/// The project's root folder.
#[must_use]
pub fn workspace() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests
        .parent()
        .expect("the tests are a folder of the workspace")
        .to_owned()
}

/// Cargo's target directory: the one that this program itself was built into.
///
/// # Errors
/// If this program was moved out of it.
pub fn target_dir() -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    // The tag is written only where cargo made the directory itself; its own notes are always.
    let marks = ["CACHEDIR.TAG", ".rustc_info.json"];
    let marked = |folder: &&Path| marks.iter().any(|mark| folder.join(mark).is_file());
    let found = program.ancestors().find(marked).map(Path::to_owned);
    found.with_context(|| {
        format!(
            "{} is in no target directory: run it through cargo",
            program.display()
        )
    })
}

/// A native program of the workspace; the host is `wasmill`.
///
/// # Errors
/// If it is not built.
pub fn program(name: &str) -> Result<PathBuf> {
    built(target_dir()?.join("release").join(name))
}

/// A bundled plugin's component.
///
/// # Errors
/// If it is not built.
pub fn plugin(name: &str) -> Result<PathBuf> {
    let file = format!("wasmill_plugin_{name}.wasm");
    built(
        target_dir()?
            .join(WASM_TARGET)
            .join(WASM_PROFILE)
            .join(file),
    )
}

/// The same component with another content hash: a custom section that nobody reads is added.
#[must_use]
pub fn variant(component: &[u8], note: &str) -> Vec<u8> {
    let name = b"variant";
    let mut content = vec![u8::try_from(name.len()).expect("a short name")];
    content.extend_from_slice(name);
    content.extend_from_slice(note.as_bytes());
    let size = u8::try_from(content.len()).ok().filter(|size| *size < 0x80);
    let mut bytes = component.to_vec();
    // Section 0, its size as LEB128, which for less than 128 is the number itself.
    bytes.extend_from_slice(&[0, size.expect("a note of at most 100 bytes")]);
    bytes.extend_from_slice(&content);
    bytes
}

fn built(path: PathBuf) -> Result<PathBuf> {
    ensure!(path.is_file(), "{} is not built: {REMEDY}", path.display());
    Ok(path)
}
