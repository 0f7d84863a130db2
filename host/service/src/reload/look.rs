//! One look at the plugins directory.

use std::collections::BTreeMap;
use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};

use wasmill_model::Name;

use super::settle::Stamp;

/// Longest name of a plugin.
const NAME_BYTES_MAX: usize = 64;

/// What the directory held at one moment.
#[derive(Debug, Default)]
pub(super) struct Look {
    /// The files by the plugin's name.
    pub(super) files: BTreeMap<Name, Stamp>,
    /// `.wasm` files that cannot be plugins: by their name, or because they are no readable files.
    pub(super) odd: Vec<String>,
}

impl Look {
    /// Looks at the directory.
    pub(super) async fn take(directory: PathBuf) -> io::Result<Self> {
        let look = tokio::task::spawn_blocking(move || Self::take_blocking(&directory));
        look.await
            .unwrap_or_else(|error| Err(io::Error::other(error)))
    }

    fn take_blocking(directory: &Path) -> io::Result<Self> {
        let mut look = Self::default();
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            match plugin_name(&entry) {
                None => {}
                Some(Err(name)) => look.odd.push(name),
                Some(Ok(name)) => {
                    // Through links, which mounted directories are made of.
                    match fs::metadata(entry.path()) {
                        Ok(metadata) if metadata.is_file() => {
                            look.files.insert(name, Stamp::of(&metadata));
                        }
                        Ok(_) => look.odd.push(format!("{name}.wasm (no regular file)")),
                        // Removed since it was listed.
                        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                        // One bad file must not keep the others from being looked at.
                        Err(error) => look.odd.push(format!("{name}.wasm ({error})")),
                    }
                }
            }
        }
        Ok(look)
    }
}

/// The plugin whose file this is, or the file's name if no plugin can be called so; none for
/// files that are no plugins.
fn plugin_name(entry: &DirEntry) -> Option<Result<Name, String>> {
    let file = entry.file_name();
    let file = file.to_string_lossy();
    let stem = file.strip_suffix(".wasm")?;
    if stem.starts_with('.') {
        // Hidden, as the unfinished files of some copying programs are.
        return None;
    }
    let body = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    let begins = stem.starts_with(|c: char| c.is_ascii_alphanumeric());
    let fits = begins && stem.len() <= NAME_BYTES_MAX && stem.bytes().all(body);
    Some(if fits {
        Ok(stem.into())
    } else {
        Err(file.into_owned())
    })
}
