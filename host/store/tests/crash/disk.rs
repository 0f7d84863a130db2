//! A disk that loses what was not synced: recorded operations done again, and what a power cut
//! after any of them may leave.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use rand::{Rng, rngs::StdRng};

use crate::recorder::Operation;

/// What reaches the disk as a whole or not at all.
const SECTOR_BYTES: usize = 512;
/// What is written back, or not, independently of its neighbours.
const PAGE_BYTES: u64 = 4_096;

/// What of the operations that were not synced is lost.
pub(crate) enum Loss<'a> {
    /// Nothing: the process was killed, the system was not.
    Nothing,
    /// Nothing but the end of the last write, which got so far.
    End(usize),
    /// All of it.
    All,
    /// Any pages of any writes.
    Some(&'a mut StdRng),
}

/// The files of a directory, and what of them is durable.
#[derive(Default)]
pub(crate) struct Disk {
    files: Vec<File>,
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
    /// Whether `fdatasync` is taken for nothing.
    data_sync_is_nothing: bool,
}

#[derive(Default)]
struct File {
    durable: Vec<u8>,
    /// What was done since the last sync.
    pending: Vec<Pending>,
}

#[derive(Clone)]
enum Pending {
    Write { at: u64, bytes: Arc<[u8]> },
    Truncate(u64),
}

impl Disk {
    /// A disk to which `fdatasync` means nothing: that of a program that forgets it.
    pub(crate) fn without_data_sync() -> Self {
        Self {
            data_sync_is_nothing: true,
            ..Self::default()
        }
    }

    /// Does a recorded operation.
    pub(crate) fn perform(&mut self, operation: &Operation) {
        match operation {
            Operation::Open { path, cut } => {
                let file = self.file(path);
                if *cut {
                    file.pending.push(Pending::Truncate(0));
                }
            }
            Operation::Write { path, at, bytes } => {
                let (at, bytes) = (*at, bytes.as_slice().into());
                self.file(path).pending.push(Pending::Write { at, bytes });
            }
            Operation::Truncate { path, len } => {
                self.file(path).pending.push(Pending::Truncate(*len));
            }
            Operation::Sync { data: true, .. } if self.data_sync_is_nothing => {}
            Operation::Sync { path, .. } => match self.names.get(path) {
                Some(file) => self.files[*file].sync(),
                None => self.sync_names(path),
            },
            Operation::Rename { from, to } => {
                if let Some(file) = self.names.remove(from) {
                    self.names.insert(to.clone(), file);
                }
            }
            Operation::Remove { path } => {
                self.names.remove(path);
            }
        }
    }

    /// Writes to `directory` what a restart finds after a power cut.
    pub(crate) fn cut(&self, mut loss: Loss<'_>, directory: &Path) -> io::Result<()> {
        let names_are_lost = match &mut loss {
            Loss::All => true,
            Loss::Some(rng) => rng.random(),
            Loss::Nothing | Loss::End(_) => false,
        };
        let names = match names_are_lost {
            true => &self.durable_names,
            false => &self.names,
        };
        for (name, file) in names {
            let path = directory.join(name);
            fs::create_dir_all(path.parent().unwrap_or(directory))?;
            write_sparse(&path, &self.files[*file].after(&mut loss))?;
        }
        Ok(())
    }

    fn file(&mut self, path: &Path) -> &mut File {
        let file = *self.names.entry(path.to_path_buf()).or_insert_with(|| {
            self.files.push(File::default());
            self.files.len() - 1
        });
        &mut self.files[file]
    }

    fn sync_names(&mut self, directory: &Path) {
        let inside = |name: &PathBuf| name.parent() == Some(directory);
        self.durable_names.retain(|name, _| !inside(name));
        let synced = self.names.iter().filter(|(name, _)| inside(name));
        let synced: Vec<_> = synced.map(|(name, file)| (name.clone(), *file)).collect();
        self.durable_names.extend(synced);
    }
}

impl File {
    fn sync(&mut self) {
        for pending in std::mem::take(&mut self.pending) {
            pending.perform(&mut self.durable);
        }
    }

    /// The content after a power cut.
    fn after(&self, loss: &mut Loss<'_>) -> Vec<u8> {
        let mut content = self.durable.clone();
        if matches!(loss, Loss::All) {
            return content;
        }
        for (nth, pending) in self.pending.iter().enumerate() {
            let is_last = nth + 1 == self.pending.len();
            match (&mut *loss, pending) {
                (Loss::Some(rng), pending) => pending.perform_some(&mut content, rng),
                (Loss::End(kept), Pending::Write { at, bytes }) if is_last => {
                    write_at(&mut content, *at, &bytes[..bytes.len().min(*kept)]);
                }
                _ => pending.perform(&mut content),
            }
        }
        content
    }
}

impl Pending {
    fn perform(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write { at, bytes } => write_at(content, *at, bytes),
            Self::Truncate(len) => content.resize(*len as usize, 0),
        }
    }

    /// Page by page, each or not; of some only the first sectors.
    fn perform_some(&self, content: &mut Vec<u8>, rng: &mut StdRng) {
        let Self::Write { at, bytes } = self else {
            if rng.random() {
                self.perform(content);
            }
            return;
        };
        let mut done = 0;
        while done < bytes.len() {
            let place = at + done as u64;
            let page = (PAGE_BYTES - place % PAGE_BYTES) as usize;
            let page = &bytes[done..bytes.len().min(done + page)];
            let kept = match rng.random_range(0..8) {
                0..4 => page.len(),
                4 => rng.random_range(0..=page.len() / SECTOR_BYTES) * SECTOR_BYTES,
                _ => 0,
            };
            if kept > 0 {
                write_at(content, place, &page[..kept]);
            }
            done += page.len();
        }
    }
}

fn write_at(content: &mut Vec<u8>, at: u64, bytes: &[u8]) {
    let at = at as usize;
    if content.len() < at + bytes.len() {
        content.resize(at + bytes.len(), 0);
    }
    content[at..at + bytes.len()].copy_from_slice(bytes);
}

/// Writes a file of which most is zero.
fn write_sparse(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = fs::File::create(path)?;
    file.set_len(content.len() as u64)?;
    for (nth, page) in content.chunks(PAGE_BYTES as usize).enumerate() {
        if page.iter().any(|byte| *byte != 0) {
            file.seek(SeekFrom::Start(nth as u64 * PAGE_BYTES))?;
            file.write_all(page)?;
        }
    }
    Ok(())
}
