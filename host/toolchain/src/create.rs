//! Projects made: the example of a language, renamed, with the SDK and what one needs to go on.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::languages::{Language, SHARED};
use crate::{Error as Fault, PROJECT_FILE, file};

/// The plugin that the examples are.
const EXAMPLE: &str = "loyalty";
/// What their project files say of it.
const DESCRIPTION: &str = "Counts what users spend, and tells when their tier changes";
/// Longest name of a project.
const NAME_BYTES_MAX: usize = 64;
/// What the SDK is called in every language.
const SDK: &str = "wasmill";
/// The file with the routes that the example needs.
const ROUTES: &str = "routes.toml";

/// Why there can be no such project.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not all that is made of it can have this name.
    #[error(
        "`{0}` cannot name a project: use 1 to {NAME_BYTES_MAX} lower-case letters, digits, `-` \
         and `_`, beginning with a letter, and neither `{SDK}` nor anything that begins with \
         `{SDK}-` or `{SDK}_`, as the SDK's packages do"
    )]
    Name(String),
    /// Something is there.
    #[error("{} is there already: choose another name, or another directory with `--dir`", .0.display())]
    Exists(PathBuf),
}

/// Makes the project `name` in the directory `parent`, and returns its own.
///
/// # Errors
/// [`Error`] if it cannot have this name or is there already, or a [`file::Error`]; then nothing is
/// left of it.
pub fn create(parent: &Path, name: &str, language: &Language) -> Result<PathBuf, Fault> {
    check_name(name)?;
    let root = parent.join(name);
    file::create_dir(parent)?;
    fs::create_dir(&root).map_err(|cause| match cause.kind() {
        io::ErrorKind::AlreadyExists => Fault::from(Error::Exists(root.clone())),
        _ => file::Error::new(&root, "made", cause).into(),
    })?;
    match fill(&root, name, language) {
        Ok(()) => Ok(root),
        Err(error) => {
            // The cause is to be told, rather than what comes of this.
            let _ = fs::remove_dir_all(&root);
            Err(error)
        }
    }
}

/// Writes all files of a project.
fn fill(root: &Path, name: &str, language: &Language) -> Result<(), Fault> {
    file::write_whole(&root.join(".gitignore"), ignored(language).as_bytes())?;
    for source in language.example.files.iter().chain(SHARED.files) {
        let mut text = source.text().to_owned();
        match source.path {
            ROUTES => text += language.routes,
            PROJECT_FILE => text = text.replace(DESCRIPTION, &described(name)),
            _ => {}
        }
        file::write_whole(&root.join(source.path), renamed(&text, name).as_bytes())?;
    }
    language.write_sdk(root)
}

/// A description that asks for a better one: the example's would be untrue as soon as it is changed.
fn described(name: &str) -> String {
    format!("What {name} does, in a line")
}

/// Stricter than the name of a plugin: packages are called so in every language.
fn check_name(name: &str) -> Result<(), Error> {
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase());
    let body = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_');
    let of_sdk = name
        .strip_prefix(SDK)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_']));
    if begins && name.len() <= NAME_BYTES_MAX && name.bytes().all(body) && !of_sdk {
        return Ok(());
    }
    Err(Error::Name(name.to_owned()))
}

/// The text of an example with another name, which what is called after it begins with too, such as
/// its subscriptions: a host may have plugins of several projects. Its topics keep their names, which
/// other plugins know.
fn renamed(text: &str, name: &str) -> String {
    let goes_on = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let is_word = |c: char| goes_on(c) || c == '-';
    let mut new = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(EXAMPLE) {
        let (before, found) = rest.split_at(at);
        let after = &found[EXAMPLE.len()..];
        new.push_str(before);
        let is_whole = !new.ends_with(is_word) && !after.starts_with(goes_on);
        let is_topic = [".tier", ".quiet"].iter().any(|it| after.starts_with(it));
        new.push_str(if is_whole && !is_topic { name } else { EXAMPLE });
        rest = after;
    }
    new + rest
}

fn ignored(language: &Language) -> String {
    let own = ["/wasmill/", "/build/", "/*.wasm"];
    let lines = own.iter().chain(language.ignored);
    lines.map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LANGUAGES;
    use crate::Project;
    use crate::languages::{Source, Sources};

    #[test]
    fn a_new_project_is_one_that_can_be_read_in_every_language() {
        let folder = tempfile::tempdir().unwrap();
        for language in LANGUAGES {
            let name = format!("points-{}", language.name);
            let root = create(&folder.path().join("new"), &name, language).unwrap();
            let project = Project::read(&root).unwrap();
            assert_eq!(project.manifest.name, name);
            assert_eq!(project.language.name, language.name);
            let described = project.manifest.description.unwrap();
            assert_eq!(described, format!("What {name} does, in a line"));
            let routes = project.manifest.routes.unwrap();
            let appended = format!("[topics]\n\"order.placed\" = {{}}\n{routes}");
            wasmill_routes::parse(&appended).unwrap();
            assert!(routes.contains(&format!("plugin = \"{name}\"")), "{routes}");
            assert!(routes.contains("\"loyalty.quiet\""), "{routes}");
            assert!(
                routes.contains(&format!("[subscriptions.{name}-quiet]")),
                "{routes}"
            );
            assert!(!routes.contains("loyalty-"), "{routes}");
            let behaviour = fs::read_to_string(root.join("behaviour.toml")).unwrap();
            assert!(
                behaviour.contains(&format!("plugin = \"{name}\"")),
                "{behaviour}"
            );
            let readme = fs::read_to_string(root.join("README.md")).unwrap();
            assert!(readme.starts_with(&format!("# {name}\n")), "{readme}");
            for file in files_named(&readme) {
                let is_made = file == format!("{name}.wasm") || file == ".venv";
                assert!(is_made || root.join(&file).exists(), "no {file}: {readme}");
            }
            let ignored = fs::read_to_string(root.join(".gitignore")).unwrap();
            assert!(ignored.contains("/wasmill"), "{ignored}");
            assert!(root.join("wasmill/wit/worlds.wit").is_file());
        }
    }

    /// What a text names in backquotes that looks like a file.
    fn files_named(text: &str) -> Vec<String> {
        let quoted = text.split('`').skip(1).step_by(2);
        let is_file = |it: &&str| it.contains('.') && !it.contains([' ', '*']) || it.ends_with('/');
        let named: Vec<_> = quoted.filter(is_file).map(str::to_owned).collect();
        assert!(named.len() > 3, "{named:?}");
        named
    }

    #[test]
    fn a_project_that_cannot_be_written_whole_leaves_nothing() {
        static TWICE: Language = Language {
            name: "twice",
            flag: "twice",
            title: "Twice",
            check: |_| Ok(()),
            // The second wants a directory where the first is a file.
            example: Sources {
                folder: "",
                files: &[
                    Source {
                        path: "a",
                        bytes: b"one",
                    },
                    Source {
                        path: "a/b",
                        bytes: b"two",
                    },
                ],
            },
            sdk: Sources {
                folder: "",
                files: &[],
            },
            routes: "",
            ignored: &[],
            compile: |_, _| unreachable!("it is never made"),
        };
        let folder = tempfile::tempdir().unwrap();
        let error = create(folder.path(), "points", &TWICE).unwrap_err();
        assert!(error.to_string().contains("points/a"), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn no_project_is_called_as_a_package_of_an_sdk_is() {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for (file, before, after) in [
            ("sdk/rust/Cargo.toml", "name = \"", "\""),
            ("sdk/js/wasmill/package.json", "\"name\": \"", "\""),
            ("sdk/go/go.mod", "module ", "\n"),
        ] {
            let text = fs::read_to_string(repository.join(file)).unwrap();
            let (_, rest) = text.split_once(before).unwrap();
            let (name, _) = rest.split_once(after).unwrap();
            assert!(check_name(name).is_err(), "{file}: {name}");
        }
        assert!(check_name("wasmills").is_ok());
    }

    #[test]
    fn a_name_that_is_none_and_a_directory_that_is_there_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let language = LANGUAGES[0];
        let long = "a".repeat(NAME_BYTES_MAX + 1);
        for name in [
            "",
            "../a",
            "a b",
            "A",
            "-a",
            "9a",
            "a.b",
            "wasmill",
            "wasmill-sdk",
            &long,
        ] {
            let error = create(folder.path(), name, language).unwrap_err();
            let said = format!("`{name}` cannot name a project: use 1 to 64");
            assert!(error.to_string().starts_with(&said), "{error}");
            assert!(error.is_of_what_was_told());
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        fs::create_dir(folder.path().join("mine")).unwrap();
        let error = create(folder.path(), "mine", language).unwrap_err();
        assert!(
            error.to_string().contains("mine is there already"),
            "{error}"
        );
        assert!(error.is_of_what_was_told());
    }

    #[test]
    fn the_plugin_is_renamed_and_its_topics_are_not() {
        let text = "[plugins.loyalty] \"loyalty/wasmill\" loyalty.wasm loyalty.tier loyalty_x
            [subscriptions.loyalty-quiet] my-loyalty";
        let new = "[plugins.points] \"points/wasmill\" points.wasm loyalty.tier loyalty_x
            [subscriptions.points-quiet] my-loyalty";
        assert_eq!(renamed(text, "points"), new);
        assert_eq!(renamed("loyalty", "loyalty"), "loyalty");
    }
}
