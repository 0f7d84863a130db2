//! From a plugin's sources to its file: projects made, compiled, and turned into components.
//!
//! Authors install nothing but their language: this calls its ordinary compiler, and does by itself
//! whatever is left to do until there is a component with a manifest. Adding a language is one file
//! in `languages/` and one line in its table.

mod build;
mod componentize;
mod create;
mod file;
mod languages;
mod module;
mod npm;
mod project;
mod tools;
mod venv;

pub use build::{Built, build};
pub use componentize::{Error as ComponentizeError, componentize, fit};
pub use create::{Error as CreateError, create};
pub use file::{Error as FileError, write_whole};
pub use languages::{LANGUAGES, Language};
pub use project::{Error as ProjectError, PROJECT_FILE, Project};
pub use tools::{Error as ToolError, Tool, Tools};

/// Why a project cannot be made or built.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It was told wrong.
    #[error(transparent)]
    Project(#[from] ProjectError),
    /// There can be no project of this name, or here.
    #[error(transparent)]
    Create(#[from] CreateError),
    /// A program is not there, or failed.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// What was compiled is no plugin.
    #[error(transparent)]
    Componentize(#[from] ComponentizeError),
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The plugin is to be written where a directory is.
    #[error("{} is a directory: name a file, such as {}", .path.display(), .file.display())]
    OutIsDirectory {
        /// The directory.
        path: std::path::PathBuf,
        /// A file in it.
        file: std::path::PathBuf,
    },
    /// The SDK's place is taken.
    #[error(
        "{} is none that this command made, and `wasmill/` is where it lays the SDK: give that \
         directory another name",
        .0.display()
    )]
    NotSdk(std::path::PathBuf),
    /// The compiler ended well without the file that it was to write.
    #[error("{command} wrote no {}: {remedy}", .file.display())]
    NoOutput {
        /// What was run.
        command: String,
        /// What is missing.
        file: std::path::PathBuf,
        /// What to look at.
        remedy: &'static str,
    },
}

impl Error {
    /// Whether what was asked for has to be changed before it is asked again, rather than the
    /// plugin's sources or the machine.
    #[must_use]
    pub fn is_of_what_was_told(&self) -> bool {
        matches!(
            self,
            Self::Project(_) | Self::Create(_) | Self::OutIsDirectory { .. } | Self::NotSdk(_)
        )
    }
}
