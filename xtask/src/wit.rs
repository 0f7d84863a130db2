//! The contract's versions: what was released, under `wit/released/`, never changes; and the SDKs'
//! bindings are those of the contract.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use testkit::artifacts;
use wasmill_component::{Package, SOURCES};

use crate::sums;

/// The list of what was released. Lines are only ever added: who changes a released file has to
/// change a line here as well, which no honest change does.
const RELEASED: &str = "SHA256SUMS";
/// SDKs with bindings that are made of the contract, by a program of the SDK's. It leaves the sums of
/// what it made them of.
const BOUND: [(&str, &str); 3] = [
    ("sdk/c", "sdk/c/generate"),
    ("sdk/go", "cd sdk/go && go run ./generate"),
    ("sdk/rust", "sdk/rust/generate"),
];
/// Those sums, in the SDK's folder.
const BOUND_OF: &str = "bindings.sha256";

/// What to do about versions.
#[derive(clap::Args, Default)]
pub(crate) struct Options {
    /// Release the contract as it is, under its version.
    #[arg(long)]
    release: bool,
}

/// Compares the contract with every version that was released, or releases it, and the SDKs with the
/// contract.
///
/// # Errors
/// With what a released version had that is no longer so, and the SDKs that are older than the
/// contract.
pub(crate) fn run(options: &Options) -> Result<()> {
    let workspace = artifacts::workspace();
    let folder = workspace.join("wit/released");
    let current = Package::current();
    if options.release {
        release(&folder, current)?;
    }
    let released = released(&folder)?;
    let broken: Vec<_> = released
        .iter()
        .flat_map(|package| {
            let breaks = current.breaks(package).into_iter();
            breaks.map(|it| format!("{}: {it}", package.version))
        })
        .collect();
    ensure!(
        broken.is_empty(),
        "the contract breaks what was released of it:\n{}\n\
         plugins were built against that: take the change back, or give the contract in `wit/` the \
         next version that may have it",
        broken.join("\n")
    );
    for (sdk, generate) in BOUND {
        bound(&workspace.join(sdk), generate)?;
    }
    println!(
        "wit: {} keeps {} released version(s), and the SDKs are bound to it",
        current.version,
        released.len()
    );
    Ok(())
}

/// What was released, if all of it is as it was.
fn released(folder: &Path) -> Result<Vec<Package>> {
    let listed = sums::read(&folder.join(RELEASED))?;
    ensure!(
        !listed.is_empty(),
        "{} lists no released version: there was one, so take the change back",
        folder.join(RELEASED).display()
    );
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        ensure!(
            name == RELEASED || listed.contains_key(&name),
            "{} was not released: remove it, and release versions with `cargo xtask wit --release`",
            folder.join(name).display()
        );
    }
    let there = sums::of(folder, listed.keys().map(String::as_str))?;
    listed
        .iter()
        .map(|(name, sum)| {
            let path = folder.join(name);
            let shown = path.display().to_string();
            ensure!(
                there.get(name) == Some(sum),
                "{shown} is not what was released: plugins were built against that, so take the \
                 change back"
            );
            let text = fs::read_to_string(&path).with_context(|| shown.clone())?;
            Package::parse(&[(&shown, &text)]).map_err(anyhow::Error::msg)
        })
        .collect()
}

/// Whether an SDK's bindings were made of the contract as it is.
fn bound(sdk: &Path, generate: &str) -> Result<()> {
    let of = sums::read(&sdk.join(BOUND_OF))?;
    let files = SOURCES.map(|(name, _)| format!("../../wit/{name}"));
    let contract = sums::of(sdk, files.iter().map(String::as_str))?;
    ensure!(
        of == contract,
        "the bindings of {} were made of another contract than `wit/` is: make them anew with \
         `{generate}`",
        sdk.display()
    );
    Ok(())
}

/// Writes the contract as one text. What is there stays.
fn release(folder: &Path, current: &Package) -> Result<()> {
    let name = format!("{}.wit", current.version);
    let path = folder.join(&name);
    if path.exists() {
        bail!(
            "version {} is released already: give the contract in `wit/` the next one",
            current.version
        );
    }
    let whole: Vec<_> = SOURCES.iter().map(|(_, text)| text.trim_end()).collect();
    let text = whole.join("\n\n") + "\n";
    fs::create_dir_all(folder)?;
    fs::write(&path, &text).with_context(|| path.display().to_string())?;
    let list = folder.join(RELEASED);
    let mut file = OpenOptions::new().append(true).create(true).open(&list)?;
    file.write_all(sums::line(&name, text.as_bytes()).as_bytes())
        .with_context(|| list.display().to_string())?;
    println!("released {}", path.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(folder: &Path) -> String {
        format!("{:#}", released(folder).expect_err("it is refused"))
    }

    #[test]
    fn a_released_version_that_changed_together_with_the_contract_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        release(folder, Package::current()).unwrap();
        assert_eq!(released(folder).unwrap(), [Package::current().clone()]);
        let path = folder.join(format!("{}.wit", Package::current().version));
        let whole = fs::read_to_string(&path).unwrap();
        // The contract as it is does not break this.
        fs::write(&path, format!("{whole}\n// as it is now\n")).unwrap();
        assert!(refused(folder).contains("is not what was released"));
        fs::write(&path, whole).unwrap();
        fs::write(folder.join("0.0.9.wit"), "package a:b@0.0.9;\n").unwrap();
        assert!(refused(folder).contains("0.0.9.wit was not released"));
        fs::remove_file(folder.join("0.0.9.wit")).unwrap();
        assert!(released(folder).is_ok());
        fs::remove_file(path).unwrap();
        assert!(refused(folder).contains(".wit: No such file"));
    }

    #[test]
    fn that_nothing_was_released_is_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        assert!(refused(folder.path()).contains(RELEASED));
        fs::write(folder.path().join(RELEASED), "").unwrap();
        assert!(refused(folder.path()).contains("lists no released version"));
    }

    #[test]
    fn a_second_release_adds_a_line_and_a_version_is_released_once() {
        let folder = tempfile::tempdir().unwrap();
        let current = Package::current();
        release(folder.path(), current).unwrap();
        let first = fs::read_to_string(folder.path().join(RELEASED)).unwrap();
        let again = release(folder.path(), current).expect_err("it is released");
        assert!(again.to_string().contains("is released already"));
        let mut later = current.clone();
        later.version.minor += 1;
        release(folder.path(), &later).unwrap();
        let both = fs::read_to_string(folder.path().join(RELEASED)).unwrap();
        assert!(
            both.starts_with(&first) && both.lines().count() == 2,
            "{both}"
        );
    }

    #[test]
    fn bindings_of_another_contract_are_found_with_what_makes_them_anew() {
        let folder = tempfile::tempdir().unwrap();
        let sdk = folder.path().join("sdk/c");
        let wit = folder.path().join("wit");
        fs::create_dir_all(&sdk).unwrap();
        fs::create_dir(&wit).unwrap();
        let mut list = String::new();
        for (name, text) in SOURCES {
            fs::write(wit.join(name), text).unwrap();
            list += &sums::line(&format!("../../wit/{name}"), text.as_bytes());
        }
        fs::write(sdk.join(BOUND_OF), list).unwrap();
        bound(&sdk, "sdk/c/generate").unwrap();
        fs::write(wit.join("host.wit"), "// another\n").unwrap();
        let error = bound(&sdk, "sdk/c/generate").expect_err("it is older");
        assert!(
            error.to_string().ends_with("anew with `sdk/c/generate`"),
            "{error}"
        );
    }
}
