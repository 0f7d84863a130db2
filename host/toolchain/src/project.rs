//! A project's directory, and what its `plugin.toml` says.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;
use wasmill_component::{Capabilities, Manifest};
use wasmill_routes::{http_host, plugin_name};

use crate::file;
use crate::languages::{self, Language};

/// The file in a project's directory that tells what its plugin is.
pub const PROJECT_FILE: &str = "plugin.toml";

/// A plugin's sources.
#[derive(Debug)]
pub struct Project {
    /// Their directory from the file system's root on, without links and `..`: compilers are called
    /// in it, and tell of files by such paths.
    pub root: PathBuf,
    /// What the plugin is to say of itself.
    pub manifest: Manifest,
    /// What it is written in.
    pub language: &'static Language,
}

/// Why a directory is no project.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It has no project file.
    #[error(
        "{} has no {PROJECT_FILE}: name a plugin's directory, or make one with `wasmill plugin new`",
        .0.display()
    )]
    Absent(PathBuf),
    /// A file cannot be read, or is not UTF-8.
    #[error("{} cannot be read: {cause}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// A line says something wrong.
    #[error("{}: line {line}: {why}", .path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// With the remedy.
        why: String,
    },
    /// Something is left out.
    #[error("{}: `{key}` is missing: {remedy}", .path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// What is left out.
        key: &'static str,
        /// What to write.
        remedy: &'static str,
    },
    /// The routes that it suggests are wrong.
    #[error("{} is wrong:\n{errors}", .path.display())]
    Routes {
        /// The file.
        path: PathBuf,
        /// All that is.
        errors: wasmill_routes::Errors,
    },
}

/// The file as it is written. [`Manifest`] is what comes of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Written {
    name: Option<Spanned<String>>,
    version: Option<Spanned<String>>,
    language: Option<Spanned<String>>,
    description: Option<String>,
    #[serde(default)]
    capabilities: Capabilities,
    /// The name of a file.
    routes: Option<Spanned<String>>,
    state_version: Option<Spanned<u32>>,
}

/// A file's text, and where things are in it.
struct Source {
    path: PathBuf,
    text: String,
}

impl Project {
    /// Reads a project's files.
    ///
    /// # Errors
    /// [`Error`] with the file, the line and the remedy.
    pub fn read(root: &Path) -> Result<Self, Error> {
        let source = Source::read(root)?;
        let parsed = toml::from_str::<Written>(&source.text);
        let written = parsed.map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            source.line(at, error.message().to_owned())
        })?;
        let remedy = "say what the plugin is called, such as `name = \"loyalty\"`";
        let name = source.required(written.name, "name", remedy)?;
        if let Err(why) = plugin_name(name.get_ref()) {
            return Err(source.line(name.span().start, format!("`name` {why}")));
        }
        let remedy = "count the plugin's versions, such as `version = \"0.1.0\"`";
        let version = source.required(written.version, "version", remedy)?;
        if version.get_ref().trim().is_empty() {
            let why = format!("`version` is empty: {remedy}");
            return Err(source.line(version.span().start, why));
        }
        let remedy = "say what the plugin is written in, such as `language = \"rust\"`";
        let language = source.required(written.language, "language", remedy)?;
        let Some(known) = languages::named(language.get_ref()) else {
            let said = language.get_ref();
            let why = format!(
                "`language` is `{said}`: write one of {}",
                languages::names()
            );
            return Err(source.line(language.span().start, why));
        };
        source.check_hosts(&written.capabilities)?;
        let routes = written.routes.map(|it| source.routes(root, &it));
        let physical = fs::canonicalize(root);
        Ok(Self {
            root: physical.map_err(|cause| Error::Unreadable {
                path: root.to_owned(),
                cause,
            })?,
            manifest: Manifest {
                name: name.into_inner(),
                version: version.into_inner(),
                language: Some(known.name.to_owned()),
                description: written.description,
                capabilities: written.capabilities,
                routes: routes.transpose()?,
                state_version: source.state_version(written.state_version)?,
            },
            language: known,
        })
    }

    /// The project's directory for what compilers write.
    pub(crate) fn build_dir(&self) -> Result<PathBuf, file::Error> {
        let dir = self.root.join("build");
        file::create_dir(&dir)?;
        Ok(dir)
    }
}

impl Source {
    fn read(root: &Path) -> Result<Self, Error> {
        let path = root.join(PROJECT_FILE);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Self { path, text }),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                Err(Error::Absent(root.to_owned()))
            }
            Err(cause) => Err(Error::Unreadable { path, cause }),
        }
    }

    fn line(&self, at: usize, why: String) -> Error {
        let before = self.text.get(..at).unwrap_or_default();
        Error::Line {
            path: self.path.clone(),
            line: before.matches('\n').count() + 1,
            why,
        }
    }

    fn required<T>(
        &self,
        value: Option<T>,
        key: &'static str,
        remedy: &'static str,
    ) -> Result<T, Error> {
        value.ok_or_else(|| Error::Missing {
            path: self.path.clone(),
            key,
            remedy,
        })
    }

    fn state_version(&self, written: Option<Spanned<u32>>) -> Result<u32, Error> {
        match written {
            Some(version) if *version.get_ref() == 0 => {
                let why = "`state-version` is 0: versions are counted from 1";
                Err(self.line(version.span().start, why.to_owned()))
            }
            written => Ok(written.map_or(1, Spanned::into_inner)),
        }
    }

    /// Hosts as grants name them: another spelling could never be granted.
    fn check_hosts(&self, asked: &Capabilities) -> Result<(), Error> {
        for host in &asked.http {
            if let Err(why) = http_host(host) {
                let at = self.text.find(&format!("{host:?}")).unwrap_or_default();
                return Err(self.line(at, format!("a host of `capabilities.http` {why}")));
            }
        }
        Ok(())
    }

    /// The text of the file that `routes` names.
    fn routes(&self, root: &Path, name: &Spanned<String>) -> Result<String, Error> {
        let path = root.join(name.get_ref());
        let text = fs::read_to_string(&path).map_err(|cause| {
            let why = format!(
                "`routes` names {}, which cannot be read: {cause}: name a file of the project, or \
                 leave it out",
                path.display()
            );
            self.line(name.span().start, why)
        })?;
        match wasmill_routes::parse(&text) {
            Ok(_) => Ok(text),
            Err(errors) => Err(Error::Routes { path, errors }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "\
name = \"loyalty\"
version = \"1.2.0\"
language = \"c\"
routes = \"routes.toml\"
state-version = 2

[capabilities]
http = [\"api.example.com\"]
";

    fn read(text: &str) -> Result<Project, Error> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(PROJECT_FILE), text).unwrap();
        fs::write(folder.path().join("routes.toml"), "[topics]\n\"a\" = {}\n").unwrap();
        fs::write(folder.path().join("bad.toml"), "[topcis]\n").unwrap();
        Project::read(folder.path())
    }

    #[test]
    fn a_project_is_read_into_the_manifest_of_its_plugin() {
        let Project {
            manifest, language, ..
        } = read(GOOD).unwrap();
        assert_eq!((&*manifest.name, &*manifest.version), ("loyalty", "1.2.0"));
        assert_eq!(language.name, "c");
        let shouted = read(&GOOD.replace("\"c\"", "\"C\"")).unwrap();
        assert_eq!(shouted.manifest, manifest);
        assert_eq!(manifest.language.as_deref(), Some("c"));
        assert_eq!(manifest.state_version, 2);
        assert_eq!(manifest.routes.as_deref(), Some("[topics]\n\"a\" = {}\n"));
        assert!(manifest.capabilities.http.contains("api.example.com"));
    }

    #[test]
    fn a_project_is_where_compilers_find_it_whatever_leads_there() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap().join("points");
        fs::create_dir(&root).unwrap();
        fs::write(root.join("routes.toml"), "[topics]\n").unwrap();
        fs::write(root.join(PROJECT_FILE), GOOD).unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&root, &link).unwrap();
        for way in [&link, &root.join("../points"), &link.join("."), &root] {
            assert_eq!(Project::read(way).unwrap().root, root, "{}", way.display());
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line_and_the_remedy() {
        for (from, to, line, said) in [
            (
                "\nversion =",
                "\nversoin =",
                2,
                "unknown field `versoin`, expected",
            ),
            (
                "\"loyalty\"",
                "\"lo yalty\"",
                1,
                "`name` is `lo yalty`, which cannot name",
            ),
            (
                "\"1.2.0\"",
                "\" \"",
                2,
                "`version` is empty: count the plugin's versions",
            ),
            (
                "\"c\"",
                "\"cobol\"",
                3,
                "`language` is `cobol`: write one of",
            ),
            ("\"c\"", "7", 3, "invalid type: integer `7`"),
            ("= 2", "= 0", 5, "`state-version` is 0: versions are"),
            ("http =", "htpp =", 8, "unknown field `htpp`, expected"),
            ("routes.toml", "none.toml", 4, "`routes` names"),
            ("[capabilities]", "[capabilities", 7, ""),
            (
                "\"api.example.com\"",
                "\"https://api.example.com/v1\"",
                8,
                "a host of `capabilities.http` is `https://api.example.com/v1`, but must be a host or",
            ),
        ] {
            let error = read(&GOOD.replace(from, to)).expect_err("it is wrong");
            let text = error.to_string();
            let Error::Line { line: told, .. } = error else {
                panic!("{to}: {text}");
            };
            assert_eq!(told, line, "{text}");
            assert!(
                text.contains(&format!("plugin.toml: line {line}: ")),
                "{text}"
            );
            assert!(text.contains(said), "{text}");
        }
    }

    #[test]
    fn what_is_missing_is_told_with_what_to_write() {
        for (line, said) in [
            ("name = \"loyalty\"\n", "`name` is missing: say what"),
            ("version = \"1.2.0\"\n", "`version` is missing: count"),
            ("language = \"c\"\n", "`language` is missing: say what"),
        ] {
            let text = read(&GOOD.replace(line, "")).unwrap_err().to_string();
            assert!(text.contains(said), "{text}");
        }
        let text = read(&GOOD.replace("routes.toml", "bad.toml"))
            .unwrap_err()
            .to_string();
        assert!(
            text.contains("bad.toml is wrong") && text.contains("topcis"),
            "{text}"
        );
        let nowhere = Project::read(Path::new("/nonexistent")).unwrap_err();
        let said = "/nonexistent has no plugin.toml: name a plugin's directory";
        assert!(nowhere.to_string().starts_with(said), "{nowhere}");
    }
}
