//! One look at the plugins directory.

use std::collections::BTreeMap;
use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use wasmill_model::Name;

use super::settle::Stamp;

/// Longest name of a plugin.
const NAME_BYTES_MAX: usize = 64;

/// What the directory held at one moment.
#[derive(Debug, Default)]
pub(super) struct Look {
    /// The files by the plugin's name.
    pub(super) files: BTreeMap<Name, Seen>,
    /// `.wasm` files that cannot be plugins: by their name, or because they are no regular files.
    pub(super) odd: Vec<String>,
}

/// What is there for a plugin: its stamps, or why it cannot be looked at, which is no sign that it is
/// gone.
pub(super) type Seen = Result<Stamps, io::ErrorKind>;

/// A plugin's file, and that of its signature. Of links, what they point at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamps {
    pub(super) component: Stamp,
    /// None if there is no such file.
    pub(super) signature: Option<Stamp>,
    /// The component is elsewhere: moving the link tells nothing of whether that is whole.
    pub(super) linked: bool,
}

impl Stamps {
    /// A look at a plugin's file; none if it is no regular file.
    pub(super) fn of(path: &Path) -> io::Result<Option<Self>> {
        // Through links, which mounted directories are made of.
        let component = fs::metadata(path)?;
        let linked = fs::symlink_metadata(path)?.is_symlink();
        // One that cannot be looked at is as good as absent, and so is one that would hold up who
        // reads it, like a pipe.
        let signature = fs::metadata(signature_of(path)).ok();
        let signature = signature.filter(fs::Metadata::is_file);
        Ok(component.is_file().then(|| Self {
            component: Stamp::of(&component),
            signature: signature.as_ref().map(Stamp::of),
            linked,
        }))
    }

    /// How long ago either changed.
    pub(super) fn age(&self) -> Duration {
        let age = self.component.age();
        self.signature.map_or(age, |it| it.age().min(age))
    }
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
                Some(Ok(name)) => look.at(name, &entry.path()),
            }
        }
        Ok(look)
    }

    /// Looks at a plugin's file, and at its signature's.
    fn at(&mut self, name: Name, path: &Path) {
        match Stamps::of(path) {
            Ok(None) => self.odd.push(format!("{name}.wasm (no regular file)")),
            Ok(Some(stamps)) => {
                let is_odd = |it: fs::Metadata| !it.is_file();
                if stamps.signature.is_none() && fs::metadata(signature_of(path)).is_ok_and(is_odd)
                {
                    self.odd.push(format!("{name}.wasm.sig (no regular file)"));
                }
                self.files.insert(name, Ok(stamps));
            }
            // Removed since it was listed, or a link to nothing.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            // One bad file must not keep the others from being looked at.
            Err(error) => drop(self.files.insert(name, Err(error.kind()))),
        }
    }
}

/// Where the signature of a plugin's file is.
#[must_use]
pub fn signature_of(path: &Path) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(".sig");
    path.into()
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
