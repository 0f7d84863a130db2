//! Projects made: the example of a language, renamed, with the SDK and what one needs to go on.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::languages::{Language, SHARED};
use crate::{Error as Fault, file};

/// The plugin that the examples are.
const EXAMPLE: &str = "loyalty";
/// Longest name of a project.
const NAME_BYTES_MAX: usize = 64;
/// What the SDK is called in every language.
const SDK: &str = "wasmill";

/// Why there can be no such project.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not all that is made of it can have this name.
    #[error(
        "`{0}` cannot name a project: use 1 to {NAME_BYTES_MAX} lower-case letters, digits, `-` \
         and `_`, beginning with a letter, and not `{SDK}`"
    )]
    Name(String),
    /// Something is there.
    #[error("{} is there already: choose another name, or another directory with `--dir`", .0.display())]
    Exists(PathBuf),
}

/// Makes the project `name` in the directory `parent`, and returns its own.
///
/// # Errors
/// [`Error`] if it cannot have this name or is there already, or a [`file::Error`].
pub fn create(parent: &Path, name: &str, language: &Language) -> Result<PathBuf, Fault> {
    check_name(name)?;
    let root = parent.join(name);
    file::create_dir(parent)?;
    fs::create_dir(&root).map_err(|cause| match cause.kind() {
        io::ErrorKind::AlreadyExists => Fault::from(Error::Exists(root.clone())),
        _ => file::Error::new(&root, "made", cause).into(),
    })?;
    file::write_whole(&root.join(".gitignore"), ignored(language).as_bytes())?;
    for source in language.example.files.iter().chain(SHARED.files) {
        let text = renamed(source.text(), name);
        file::write_whole(&root.join(source.path), text.as_bytes())?;
    }
    language.write_sdk(&root)?;
    Ok(root)
}

/// Stricter than the name of a plugin: packages are called so in every language.
fn check_name(name: &str) -> Result<(), Error> {
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase());
    let body = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_');
    if begins && name.len() <= NAME_BYTES_MAX && name.bytes().all(body) && name != SDK {
        return Ok(());
    }
    Err(Error::Name(name.to_owned()))
}

/// The text of an example with another name: its topics keep theirs, which other plugins know.
fn renamed(text: &str, name: &str) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let mut new = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(EXAMPLE) {
        let (before, found) = rest.split_at(at);
        let after = &found[EXAMPLE.len()..];
        new.push_str(before);
        let is_whole = !new.ends_with(is_word) && !after.starts_with(is_word);
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

    #[test]
    fn a_new_project_is_one_that_can_be_read_in_every_language() {
        let folder = tempfile::tempdir().unwrap();
        for language in LANGUAGES {
            let name = format!("points-{}", language.name);
            let root = create(&folder.path().join("new"), &name, language).unwrap();
            let project = Project::read(&root).unwrap();
            assert_eq!(project.manifest.name, name);
            assert_eq!(project.language.name, language.name);
            let routes = project.manifest.routes.unwrap();
            assert!(routes.contains(&format!("plugin = \"{name}\"")), "{routes}");
            assert!(routes.contains("\"loyalty.quiet\""), "{routes}");
            let behaviour = fs::read_to_string(root.join("behaviour.toml")).unwrap();
            assert!(
                behaviour.contains(&format!("plugin = \"{name}\"")),
                "{behaviour}"
            );
            let readme = fs::read_to_string(root.join("README.md")).unwrap();
            assert!(readme.starts_with(&format!("# {name}\n")), "{readme}");
            let ignored = fs::read_to_string(root.join(".gitignore")).unwrap();
            assert!(ignored.contains("/wasmill"), "{ignored}");
            assert!(root.join("wasmill/wit/worlds.wit").is_file());
        }
    }

    #[test]
    fn a_name_that_is_none_and_a_directory_that_is_there_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let language = LANGUAGES[0];
        let long = "a".repeat(NAME_BYTES_MAX + 1);
        for name in ["", "../a", "a b", "A", "-a", "9a", "a.b", "wasmill", &long] {
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
        let text = "[plugins.loyalty] \"loyalty/wasmill\" loyalty.wasm loyalty.tier loyalty_x";
        let new = "[plugins.points] \"points/wasmill\" points.wasm loyalty.tier loyalty_x";
        assert_eq!(renamed(text, "points"), new);
        assert_eq!(renamed("loyalty", "loyalty"), "loyalty");
    }
}
