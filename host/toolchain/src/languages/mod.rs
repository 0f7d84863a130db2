//! The languages that plugins are written in: one file each, and a line in [`LANGUAGES`].

mod c;
mod go;
mod javascript;
mod python;
mod rust;
mod typescript;

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Error, Project, Tool, Tools, file, tools};

/// All that this host's command builds.
pub static LANGUAGES: &[&Language] = &[
    &rust::LANGUAGE,
    &javascript::LANGUAGE,
    &typescript::LANGUAGE,
    &python::LANGUAGE,
    &go::LANGUAGE,
    &c::LANGUAGE,
];

/// A language, and how plugins come of it.
pub struct Language {
    /// As `plugin.toml` says it.
    pub name: &'static str,
    /// As `plugin new --lang` says it.
    pub flag: &'static str,
    /// As people say it.
    pub title: &'static str,
    /// What it is compiled with, all of which must be there.
    pub(crate) tools: &'static [Tool],
    /// The author's files: the example, with a README of its own.
    pub(crate) example: Sources,
    /// What goes into a project's `wasmill/`, besides the contract.
    pub(crate) sdk: Sources,
    /// What compilers leave in a project, besides its `build/`: lines of `.gitignore`.
    pub(crate) ignored: &'static [&'static str],
    /// Compiles a project, whose SDK is in place, to a core module or a component.
    pub(crate) compile: fn(&Project, &Tools) -> Result<PathBuf, Error>,
}

/// Files of this repository, to be written into projects.
pub(crate) struct Sources {
    /// Where they lie in the repository.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "tests ask whether files are forgotten")
    )]
    pub(crate) folder: &'static str,
    pub(crate) files: &'static [Source],
}

/// A file of a folder.
pub(crate) struct Source {
    /// Its place in the folder, and in the project.
    pub(crate) path: &'static str,
    pub(crate) bytes: &'static [u8],
}

/// A folder of the repository, by the paths of its files in it.
macro_rules! sources {
    ($folder:literal: $($path:literal),+ $(,)?) => {
        $crate::languages::Sources {
            folder: $folder,
            files: &[$($crate::languages::Source {
                path: $path,
                bytes: include_bytes!(concat!(
                    env!("CARGO_MANIFEST_DIR"), "/../../", $folder, "/", $path
                )),
            }),+],
        }
    };
}
use sources;

/// The contract, which every project's SDK has in `wit/`.
pub(crate) const CONTRACT: Sources =
    sources!("wit": "exports.wit", "host.wit", "types.wit", "worlds.wit");

/// Files of the example that all languages share.
pub(crate) const SHARED: Sources = sources!("examples/loyalty": "behaviour.toml", "routes.toml");

impl Language {
    /// What is not installed of its tools; none if it can be compiled.
    #[must_use]
    pub fn missing(&self, tools: &Tools) -> Option<tools::Error> {
        self.tools.iter().find_map(|tool| tools.find(tool).err())
    }

    /// Lays the SDK of this host's version into a project. Files that are like this already are
    /// left alone.
    pub(crate) fn write_sdk(&self, project: &Path) -> Result<(), file::Error> {
        let sdk = project.join("wasmill");
        for (sources, at) in [(&self.sdk, sdk.clone()), (&CONTRACT, sdk.join("wit"))] {
            for Source { path, bytes } in sources.files {
                file::write_changed(&at.join(path), bytes)?;
            }
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

/// The language that `plugin.toml` calls so, in whatever case.
pub(crate) fn named(name: &str) -> Option<&'static Language> {
    let mut languages = LANGUAGES.iter().copied();
    languages.find(|it| it.name.eq_ignore_ascii_case(name))
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

    /// What tools leave behind, and what those who make bindings and SDKs need.
    const UNSHIPPED: &[&str] = &["__pycache__", "node_modules", "target", "generate", "tests"];

    /// All files below a folder, by their paths in it.
    fn files_of(folder: &Path, below: &Path, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder.join(below)).unwrap() {
            let entry = entry.unwrap();
            let path = below.join(entry.file_name());
            if UNSHIPPED.iter().any(|it| path.ends_with(it)) {
                continue;
            }
            match entry.file_type().unwrap().is_dir() {
                true => files_of(folder, &path, found),
                false => {
                    found.insert(path.to_str().unwrap().to_owned());
                }
            }
        }
    }

    #[test]
    fn no_file_of_an_example_or_of_an_sdk_is_forgotten() {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for language in LANGUAGES {
            for sources in [&language.example, &language.sdk] {
                let mut there = BTreeSet::new();
                files_of(&repository.join(sources.folder), Path::new(""), &mut there);
                let listed = sources.files.iter().map(|it| it.path.to_owned());
                assert_eq!(listed.collect::<BTreeSet<_>>(), there, "{}", sources.folder);
            }
        }
    }

    #[test]
    fn languages_are_told_apart_by_every_name() {
        for language in LANGUAGES {
            let name = language.name.to_uppercase();
            assert_eq!(named(&name).unwrap().flag, language.flag);
            let same = |it: &&&Language| it.name == language.name || it.flag == language.flag;
            assert_eq!(LANGUAGES.iter().filter(same).count(), 1, "{language:?}");
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
