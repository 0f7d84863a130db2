//! The routes file: read at the start, and applied again when it changes.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use tokio::time::Instant;
use wasmill_api::Api;
use wasmill_model::Routes;
use wasmill_service::Handle;
use wasmill_service::reload::{Changes, Settle, Stamp, Verdict};
use wasmill_wasm::Registry;

use super::absent::Absent;
use super::serve::Plugins;
use super::{Failure, secrets};

/// How long the file must stay as it is before it counts as written.
const QUIET: Duration = Duration::from_millis(150);
/// How often to look when nothing notifies of changes.
const POLL: Duration = Duration::from_secs(2);

/// Reads and checks a routes file, and the secrets that it names.
pub(crate) fn read(path: &Path) -> Result<Routes, Failure> {
    read_with(path, "")
}

/// Reads and checks a routes file to whose end the text of `routes_added` is added.
pub(crate) fn read_with(path: &Path, added: &str) -> Result<Routes, Failure> {
    let file = path.display();
    let mut bytes = fs::read(path)
        .with_context(|| format!("the routes file {file} cannot be read"))
        .map_err(Failure::config)?;
    let lines = append(&mut bytes, added);
    parse(&bytes).map_err(|errors| {
        let note = match added.is_empty() {
            true => String::new(),
            false => format!(" (from line {lines} on it is `routes_added` of the scenario)"),
        };
        Failure::config(anyhow!("the routes file {file} is wrong{note}:\n{errors}"))
    })
}

/// Adds lines; returns the number of the first of them.
fn append(bytes: &mut Vec<u8>, added: &str) -> usize {
    // The last line may have no end, and may be a comment.
    if !added.is_empty() && !bytes.is_empty() && !bytes.ends_with(b"\n") {
        bytes.push(b'\n');
    }
    let first = bytes.split(|it| *it == b'\n').count();
    bytes.extend_from_slice(added.as_bytes());
    first
}

fn parse(bytes: &[u8]) -> Result<Routes, String> {
    let mut routes = wasmill_routes::parse_file(bytes).map_err(|errors| errors.to_string())?;
    secrets::read(&mut routes)?;
    Ok(routes)
}

/// What a change of the routes has to reach.
pub(crate) struct Applied {
    pub(crate) handle: Handle<Registry>,
    pub(crate) plugins: Arc<Registry>,
    pub(crate) supervisor: Arc<Plugins>,
    pub(crate) api: Api<Handle<Registry>>,
    pub(crate) absent: Arc<Absent>,
}

impl Applied {
    /// Puts `routes` in force, or leaves everything as it is.
    async fn apply(&self, routes: Routes) -> Result<(), String> {
        self.handle.set_routes(routes).await?;
        let routes = self.handle.routes();
        self.plugins.set_routes(routes.clone());
        // What waited for a grant may have it now.
        self.supervisor.reconsider().await;
        let applied = self.api.set_routes(&routes);
        self.absent.look(&routes);
        applied.map_err(|error| error.to_string())
    }
}

/// A routes file that is watched.
pub(crate) struct RoutesFile {
    path: PathBuf,
    changes: Changes,
    settle: Settle,
}

impl RoutesFile {
    /// Begins to watch `path`, and reads it.
    pub(crate) fn open(path: PathBuf) -> Result<(Self, Routes), Failure> {
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        // The directory, since programs that write files put new ones in their place.
        let changes = Changes::watch(directory);
        let mut settle = Settle::default();
        let stamp = stamp(&path).ok().flatten();
        let routes = read(&path)?;
        settle.look(Instant::now(), stamp, true, QUIET);
        settle.acted();
        Ok((
            Self {
                path,
                changes,
                settle,
            },
            routes,
        ))
    }

    /// Applies every change for as long as it is polled.
    pub(crate) async fn watch(mut self, to: Applied) {
        let mut pause = POLL;
        loop {
            self.changes.wait(pause).await;
            let moved = self.changes.take_moved();
            let whole = moved
                .iter()
                .any(|path| path.file_name() == self.path.file_name());
            // A file that cannot be looked at is as good as absent.
            let stamp = stamp(&self.path).ok().flatten();
            let verdict = self.settle.look(Instant::now(), stamp, whole, QUIET);
            pause = if verdict == Verdict::Unsettled {
                QUIET
            } else {
                POLL
            };
            if verdict == Verdict::Settled {
                self.settle.acted();
                self.changed(stamp.is_some(), &to).await;
            }
        }
    }

    async fn changed(&self, exists: bool, to: &Applied) {
        let file = self.path.display();
        if !exists {
            tracing::error!(%file, "the routes file is gone: the routes in force stay");
            return;
        }
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) => {
                let what = "the routes file cannot be read: the routes in force stay";
                tracing::error!(%file, %error, "{what}");
                return;
            }
        };
        let applied = match parse(&bytes) {
            Ok(routes) => to.apply(routes).await,
            Err(errors) => Err(errors),
        };
        match applied {
            Ok(()) => tracing::info!(%file, "new routes are in force"),
            Err(reason) => {
                let what = "the routes in force stay, since the file is wrong";
                tracing::error!(%file, "{what}:\n{reason}");
            }
        }
    }
}

/// The file's stamp; none if it is not there.
fn stamp(path: &Path) -> io::Result<Option<Stamp>> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some(Stamp::of(&metadata))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_to_routes_begins_on_a_line_of_its_own() {
        for (text, first) in [("", 1), ("[topics]\n", 2), ("[topics]\n# the end", 3)] {
            let mut bytes = text.as_bytes().to_vec();
            assert_eq!(append(&mut bytes, "a = {}"), first, "{text:?}");
            let all = String::from_utf8(bytes).unwrap();
            assert_eq!(all.lines().nth(first - 1), Some("a = {}"), "{text:?}");
        }
        let mut bytes = b"# as it is".to_vec();
        append(&mut bytes, "");
        assert_eq!(bytes, b"# as it is");
    }
}
