//! The contract's versions: what was released, under `wit/released/`, never changes.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use testkit::artifacts;
use wasmill_component::{Package, SOURCES};

/// What to do about versions.
#[derive(clap::Args, Default)]
pub(crate) struct Options {
    /// Release the contract as it is, under its version.
    #[arg(long)]
    release: bool,
}

/// Compares the contract with every version that was released, or releases it.
///
/// # Errors
/// With what a released version had that is no longer so.
pub(crate) fn run(options: &Options) -> Result<()> {
    let folder = artifacts::workspace().join("wit/released");
    let current = Package::current();
    if options.release {
        release(&folder, current)?;
    }
    let mut released = released(&folder)?;
    released.sort();
    let mut broken = Vec::new();
    for path in &released {
        let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let name = path.display().to_string();
        let package = Package::parse(&[(&name, &text)]).map_err(anyhow::Error::msg)?;
        let breaks = current.breaks(&package);
        broken.extend(breaks.iter().map(|it| format!("{}: {it}", package.version)));
    }
    ensure!(
        broken.is_empty(),
        "the contract breaks what was released of it:\n{}\n\
         plugins were built against that: take the change back, or give the contract in `wit/` the \
         next version that may have it",
        broken.join("\n")
    );
    println!(
        "wit: {} keeps {} released version(s)",
        current.version,
        released.len()
    );
    Ok(())
}

fn released(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    entries.map(|entry| Ok(entry?.path())).collect()
}

/// Writes the contract as one text. What is there stays.
fn release(folder: &Path, current: &Package) -> Result<()> {
    let path = folder.join(format!("{}.wit", current.version));
    if path.exists() {
        bail!(
            "version {} is released already: give the contract in `wit/` the next one",
            current.version
        );
    }
    let whole: Vec<_> = SOURCES.iter().map(|(_, text)| text.trim_end()).collect();
    fs::create_dir_all(folder)?;
    fs::write(&path, whole.join("\n\n") + "\n").with_context(|| path.display().to_string())?;
    println!("released {}", path.display());
    Ok(())
}
