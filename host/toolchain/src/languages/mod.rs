//! The languages that plugins are written in: one file each, and a line in [`LANGUAGES`].

mod c;
mod go;
mod javascript;
mod python;
mod rust;
mod typescript;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use wasmill_component::SOURCES;

use crate::{Error, Project, Tools, file, tools};

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
    /// Whether what it is compiled with is there, or what is not and how it is come by.
    pub(crate) check: fn(&Tools) -> Result<(), tools::Error>,
    /// The author's files: the example, with a README of its own.
    pub(crate) example: Sources,
    /// What goes into a project's `wasmill/`, besides the contract.
    pub(crate) sdk: Sources,
    /// What it needs in a plugin's routes beyond what all languages do: lines of the example's.
    pub(crate) routes: &'static str,
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

/// The SDK's place in a project.
const SDK: &str = "wasmill";
/// The contract's place in the SDK, which tells an SDK from any other directory.
const CONTRACT: &str = "wit";

/// Directories that tools make where sources are.
const LEFTOVERS: &[&str] = &["__pycache__", "node_modules", "target"];

/// Files of the example that all languages share.
pub(crate) const SHARED: Sources = sources!("examples/loyalty": "behaviour.toml", "routes.toml");

impl Language {
    /// What is not there of what it is compiled with; none if it can be compiled.
    #[must_use]
    pub fn missing(&self, tools: &Tools) -> Option<tools::Error> {
        (self.check)(tools).err()
    }

    /// Lays the SDK of this host's version into a project, and takes away what an SDK of another
    /// version left there. Files that are like this already are left alone.
    pub(crate) fn write_sdk(&self, project: &Path) -> Result<(), Error> {
        let sdk = project.join(SDK);
        let contract = sdk.join(CONTRACT);
        if !contract.is_dir() && file::holds_something(&sdk) {
            return Err(Error::NotSdk(sdk));
        }
        file::create_dir(&contract)?;
        let own = self.sdk.files.iter();
        let mut files: BTreeMap<_, _> = own.map(|it| (PathBuf::from(it.path), it.bytes)).collect();
        files.extend(SOURCES.map(|(name, text)| (Path::new(CONTRACT).join(name), text.as_bytes())));
        for (path, bytes) in &files {
            file::write_changed(&sdk.join(path), bytes)?;
        }
        // Behind a link is a directory of somebody else's, such as the SDK's sources.
        if !sdk.is_symlink() {
            leave_only(&sdk, Path::new(""), &|path| files.contains_key(path))?;
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

/// Removes the files below a folder that are not `wanted` by their paths in it, but not what tools
/// leave behind.
fn leave_only(
    folder: &Path,
    below: &Path,
    wanted: &impl Fn(&Path) -> bool,
) -> Result<(), file::Error> {
    for (name, is_dir) in file::entries(&folder.join(below))? {
        let path = below.join(&name);
        match is_dir {
            true if LEFTOVERS.iter().any(|it| name == **it) => {}
            true => {
                leave_only(folder, &path, wanted)?;
                file::remove_dir_if_empty(&folder.join(path))?;
            }
            false if wanted(&path) => {}
            false => file::remove(&folder.join(path))?,
        }
    }
    Ok(())
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

    /// What those who make bindings and SDKs need.
    const UNSHIPPED: &[&str] = &["generate", "bindings.sha256", "tests"];

    /// All files below a folder, by their paths in it.
    fn files_of(folder: &Path, below: &Path, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder.join(below)).unwrap() {
            let entry = entry.unwrap();
            let path = below.join(entry.file_name());
            if LEFTOVERS
                .iter()
                .chain(UNSHIPPED)
                .any(|it| path.ends_with(it))
            {
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
    fn what_the_sdk_has_no_longer_goes_from_projects() {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path();
        let sdk = project.join("wasmill");
        for language in LANGUAGES {
            language.write_sdk(project).unwrap();
            let mut before = BTreeSet::new();
            files_of(&sdk, Path::new(""), &mut before);
            let count = language.sdk.files.len() + SOURCES.len();
            assert_eq!(
                before.len(),
                count,
                "{language:?}: nothing of the language before"
            );

            // Renamed since, and left by tools.
            fs::create_dir_all(sdk.join("older/inner")).unwrap();
            fs::write(sdk.join("older/inner/state.src"), "of yesterday").unwrap();
            fs::write(sdk.join("wit/old.wit"), "of yesterday").unwrap();
            fs::create_dir_all(sdk.join("roles/__pycache__")).unwrap();
            fs::write(sdk.join("roles/__pycache__/gate.pyc"), "compiled").unwrap();
            language.write_sdk(project).unwrap();
            let mut after = BTreeSet::new();
            files_of(&sdk, Path::new(""), &mut after);
            assert_eq!(after, before, "{language:?}");
            assert!(!sdk.join("older").exists(), "{language:?}");
            assert!(
                sdk.join("roles/__pycache__/gate.pyc").is_file(),
                "{language:?}"
            );
        }
    }

    #[test]
    fn what_is_not_the_sdk_is_not_taken_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("wasmill/own.txt");
        fs::create_dir(own.parent().unwrap()).unwrap();
        fs::write(&own, "mine").unwrap();
        let error = LANGUAGES[0].write_sdk(folder.path()).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("give that directory another name"),
            "{error}"
        );
        assert!(error.is_of_what_was_told());
        assert_eq!(fs::read_to_string(own).unwrap(), "mine");

        let elsewhere = tempfile::tempdir().unwrap();
        fs::create_dir(elsewhere.path().join("wit")).unwrap();
        fs::write(elsewhere.path().join("generate"), "a source").unwrap();
        let project = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), project.path().join("wasmill")).unwrap();
        LANGUAGES[0].write_sdk(project.path()).unwrap();
        assert!(elsewhere.path().join("generate").is_file());
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
