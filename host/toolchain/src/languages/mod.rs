//! The languages that plugins are written in: one file each, and a line in [`LANGUAGES`].

mod c;

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Error, Project, Tool, Tools, file, tools};

/// All that this host's command builds.
pub static LANGUAGES: &[&Language] = &[&c::LANGUAGE];

/// A language, and how plugins come of it.
pub struct Language {
    /// As `plugin.toml` says it.
    pub name: &'static str,
    /// As `plugin new --lang` says it.
    pub flag: &'static str,
    /// As people say it.
    pub title: &'static str,
    /// What it is compiled with, all of which must be there.
    pub tools: &'static [Tool],
    /// The author's files: the example.
    pub(crate) example: &'static [Source],
    /// What goes into a project's `wasmill/`, besides the contract.
    pub(crate) sdk: &'static [Source],
    /// What compilers leave in a project, besides its `build/`: lines of `.gitignore`.
    pub(crate) ignored: &'static [&'static str],
    /// Compiles a project, whose SDK is in place, to a core module or a component.
    pub(crate) compile: fn(&Project, &Tools) -> Result<PathBuf, Error>,
}

/// A file to be written into projects.
pub(crate) struct Source {
    /// Its place in the project, or in the project's `wasmill/`.
    pub(crate) path: &'static str,
    pub(crate) bytes: &'static [u8],
}

/// Files of a folder of the repository, by their paths in it.
macro_rules! sources {
    ($folder:literal: $($path:literal),+ $(,)?) => {
        &[$($crate::languages::Source {
            path: $path,
            bytes: include_bytes!(concat!(
                env!("CARGO_MANIFEST_DIR"), "/../../", $folder, "/", $path
            )),
        }),+]
    };
}
use sources;

/// The contract, which every project's SDK has in `wit/`.
const CONTRACT: &[Source] = sources!("wit": "exports.wit", "host.wit", "types.wit", "worlds.wit");

/// Files of the example that all languages share.
pub(crate) const SHARED: &[Source] = sources!("examples/loyalty": "routes.toml");

impl Language {
    /// Lays the SDK of this host's version into a project. Files that are like this already are
    /// left alone.
    pub(crate) fn write_sdk(&self, project: &Path) -> Result<(), file::Error> {
        let sdk = project.join("wasmill");
        for Source { path, bytes } in self.sdk {
            file::write_changed(&sdk.join(path), bytes)?;
        }
        let wit = sdk.join("wit");
        for Source { path, bytes } in CONTRACT {
            file::write_changed(&wit.join(path), bytes)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Source {
    /// What is in the file, which must be text.
    pub(crate) fn text(&self) -> &'static str {
        str::from_utf8(self.bytes).expect("examples are text")
    }
}

/// The language that `plugin.toml` calls so.
pub(crate) fn named(name: &str) -> Option<&'static Language> {
    LANGUAGES.iter().find(|it| it.name == name).copied()
}

/// All names, as the end of a sentence.
pub(crate) fn names() -> String {
    let names = LANGUAGES.iter().map(|it| format!("`{}`", it.name));
    names.collect::<Vec<_>>().join(", ")
}

/// Runs a compiler that is to write `output`. What was there before is removed, so that it is not
/// taken for what was compiled.
fn compile_to(
    output: PathBuf,
    command: &mut Command,
    remedy: &'static str,
) -> Result<PathBuf, Error> {
    file::remove(&output)?;
    tools::run(command)?;
    if output.is_file() {
        return Ok(output);
    }
    Err(Error::NoOutput {
        command: tools::shown(command),
        file: output,
        remedy,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::*;

    /// All files below a folder of the repository, by their paths in it.
    fn files_of(folder: &Path, below: &Path, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder.join(below)).unwrap() {
            let entry = entry.unwrap();
            let path = below.join(entry.file_name());
            match entry.file_type().unwrap().is_dir() {
                true => files_of(folder, &path, found),
                false => {
                    found.insert(path.to_str().unwrap().to_owned());
                }
            }
        }
    }

    #[test]
    fn no_file_of_an_example_is_forgotten() {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/loyalty");
        for language in LANGUAGES {
            let mut there = BTreeSet::new();
            files_of(&examples.join(language.flag), Path::new(""), &mut there);
            let listed: BTreeSet<_> = language
                .example
                .iter()
                .map(|it| it.path.to_owned())
                .collect();
            assert_eq!(listed, there, "{}", language.name);
        }
    }

    #[test]
    fn a_compiler_that_writes_nothing_is_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("module.wasm");
        fs::write(&output, "of yesterday").unwrap();
        let error = compile_to(output, &mut Command::new("true"), "look at it").unwrap_err();
        let said = error.to_string();
        assert!(said.starts_with("true wrote no "), "{said}");
        assert!(said.ends_with("module.wasm: look at it"), "{said}");
    }
}
