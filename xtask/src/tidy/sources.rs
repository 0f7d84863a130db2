//! The files that belong to the project, read and parsed once.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};
use testkit::artifacts::workspace;

use crate::process::output;

/// Endings of files that people write and read.
const TEXTS: [&str; 7] = [".rs", ".toml", ".md", ".wit", ".sh", ".yml", "/run"];

/// All sources.
#[derive(Default)]
pub(crate) struct Sources {
    /// Every text.
    pub(crate) texts: Vec<Text>,
    /// Those in Rust, parsed.
    pub(crate) rust: Vec<Rust>,
}

/// A file.
pub(crate) struct Text {
    /// Relative to the workspace.
    pub(crate) path: String,
    /// Its content.
    pub(crate) content: String,
}

/// A Rust file.
pub(crate) struct Rust {
    /// Relative to the workspace.
    pub(crate) path: String,
    /// Lines.
    pub(crate) lines: usize,
    /// Its syntax.
    pub(crate) syntax: syn::File,
}

impl Sources {
    /// What git tracks, or would if it were added.
    ///
    /// # Errors
    /// If git does not answer, or a file does not parse.
    pub(crate) fn of_workspace() -> Result<Self> {
        let mut git = Command::new("git");
        git.args(["ls-files", "--cached", "--others", "--exclude-standard"]);
        let listed = output(git.current_dir(workspace()))?;
        let mut sources = Self::default();
        for path in listed
            .lines()
            .filter(|path| TEXTS.iter().any(|end| path.ends_with(end)))
        {
            // A file that is deleted but not yet committed is listed as well.
            if let Ok(content) = fs::read_to_string(workspace().join(path)) {
                sources.add(path, content)?;
            }
        }
        Ok(sources)
    }

    /// Adds a file.
    ///
    /// # Errors
    /// If it is Rust and does not parse.
    pub(crate) fn add(&mut self, path: &str, content: String) -> Result<()> {
        if path.ends_with(".rs") {
            let syntax =
                syn::parse_file(&content).with_context(|| format!("cannot parse {path}"))?;
            let lines = content.lines().count();
            self.rust.push(Rust {
                path: path.to_owned(),
                lines,
                syntax,
            });
        }
        self.texts.push(Text {
            path: path.to_owned(),
            content,
        });
        Ok(())
    }
}
