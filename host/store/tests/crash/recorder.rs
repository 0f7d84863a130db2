//! Records what the store does to its files: every write, truncation, sync, rename and removal.
//!
//! The functions of the C library that change files are defined again here. The linker takes these
//! for the whole test binary, the standard library and sled included; each makes the system call
//! itself and notes it, one at a time, so that the order is the order. Syncs are noted only, since
//! no file here is to outlive the test. `sync_file_range`, which makes nothing durable, is left
//! alone.

use std::{
    ffi::{CStr, OsStr, c_char, c_int, c_long, c_void},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    slice,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// What was done to a file.
#[derive(Clone, Debug)]
pub(crate) enum Operation {
    /// A file was opened, and made if it was not there. `cut` if its content went.
    Open { path: PathBuf, cut: bool },
    /// Bytes were written to a file.
    Write {
        path: PathBuf,
        at: u64,
        bytes: Vec<u8>,
    },
    /// A file was cut or extended.
    Truncate { path: PathBuf, len: u64 },
    /// A file's content, or a directory's names, were made durable. `data` if by `fdatasync`.
    Sync { path: PathBuf, data: bool },
    /// A file got another name.
    Rename { from: PathBuf, to: PathBuf },
    /// A file's name was removed.
    Remove { path: PathBuf },
}

/// What happened, in its order: operations on files, and what the test noted in between.
#[derive(Clone, Debug)]
pub(crate) enum Event<N> {
    File(Operation),
    Note(N),
}

struct Tape {
    root: PathBuf,
    operations: Vec<Operation>,
}

static TAPE: Mutex<Option<Tape>> = Mutex::new(None);

/// Records all that is done to files below a directory. There is one at a time.
pub(crate) struct Recorder<N> {
    /// Each with the number of operations before it.
    notes: Vec<(usize, N)>,
}

impl<N> Recorder<N> {
    /// Begins to record.
    pub(crate) fn start(root: &Path) -> Self {
        let root = root.canonicalize().expect("the directory is there");
        let tape = Tape {
            root,
            operations: Vec::new(),
        };
        let before = tape_lock().replace(tape);
        assert!(before.is_none(), "there is one recorder at a time");
        Self { notes: Vec::new() }
    }

    /// Notes something between two operations.
    pub(crate) fn note(&mut self, note: N) {
        let operations = tape_lock().as_ref().map_or(0, |tape| tape.operations.len());
        self.notes.push((operations, note));
    }

    /// Ends the recording: paths are relative to the directory from here on.
    pub(crate) fn stop(self) -> Vec<Event<N>> {
        let tape = tape_lock().take().expect("it was started");
        let mut notes = self.notes.into_iter().peekable();
        let mut events = Vec::new();
        for (number, operation) in tape.operations.into_iter().enumerate() {
            while let Some((_, note)) = notes.next_if(|(before, _)| *before <= number) {
                events.push(Event::Note(note));
            }
            events.push(Event::File(operation));
        }
        events.extend(notes.map(|(_, note)| Event::Note(note)));
        events
    }
}

fn tape_lock() -> MutexGuard<'static, Option<Tape>> {
    TAPE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Tape {
    fn relative(&self, path: &Path) -> Option<PathBuf> {
        Some(path.strip_prefix(&self.root).ok()?.to_path_buf())
    }

    fn of_descriptor(&self, descriptor: c_int) -> Option<PathBuf> {
        let link = format!("/proc/self/fd/{descriptor}");
        self.relative(&std::fs::read_link(link).ok()?)
    }
}

/// Calls the system, and records the operation if it is on one of our files and did well.
fn recorded(
    call: impl FnOnce() -> c_long,
    operation: impl FnOnce(&Tape, usize) -> Option<Operation>,
) -> c_long {
    let mut tape = tape_lock();
    let result = call();
    if let (Some(tape), Ok(result)) = (&mut *tape, usize::try_from(result))
        && let Some(operation) = operation(tape, result)
    {
        tape.operations.push(operation);
    }
    result
}

fn writing(tape: &Tape, descriptor: c_int, at: u64, bytes: &[u8]) -> Option<Operation> {
    Some(Operation::Write {
        path: tape.of_descriptor(descriptor)?,
        at,
        bytes: bytes.to_vec(),
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pwrite64(
    descriptor: c_int,
    bytes: *const c_void,
    len: usize,
    at: i64,
) -> isize {
    // SAFETY: the arguments are the caller's for this very call.
    let call = || unsafe { libc::syscall(libc::SYS_pwrite64, descriptor, bytes, len, at) };
    let written = recorded(call, |tape, written| {
        // SAFETY: the system has just read so many bytes there.
        let bytes = unsafe { slice::from_raw_parts(bytes.cast(), written) };
        writing(tape, descriptor, at.unsigned_abs(), bytes)
    });
    written as isize
}

#[unsafe(no_mangle)]
unsafe extern "C" fn write(descriptor: c_int, bytes: *const c_void, len: usize) -> isize {
    // SAFETY: the arguments are the caller's for this very call.
    let call = || unsafe { libc::syscall(libc::SYS_write, descriptor, bytes, len) };
    let written = recorded(call, |tape, written| {
        // SAFETY: any number and offset may be asked about.
        let end = unsafe { libc::lseek(descriptor, 0, libc::SEEK_CUR) };
        let at = u64::try_from(end).ok()? - written as u64;
        // SAFETY: the system has just read so many bytes there.
        let bytes = unsafe { slice::from_raw_parts(bytes.cast(), written) };
        writing(tape, descriptor, at, bytes)
    });
    written as isize
}

/// C's declaration has the mode as a variable argument, which is passed like any other.
#[unsafe(no_mangle)]
unsafe extern "C" fn open64(path: *const c_char, flags: c_int, mode: libc::mode_t) -> c_int {
    // SAFETY: the arguments are the caller's for this very call.
    let call = || unsafe { libc::syscall(libc::SYS_openat, CWD, path, flags, mode) };
    let done = recorded(call, |tape, _| {
        let path = tape.relative(named(&path)?)?;
        let cut = flags & libc::O_TRUNC != 0;
        (cut || flags & libc::O_CREAT != 0).then_some(Operation::Open { path, cut })
    });
    done as c_int
}

#[unsafe(no_mangle)]
unsafe extern "C" fn ftruncate64(descriptor: c_int, len: i64) -> c_int {
    // SAFETY: numbers only.
    let call = || unsafe { libc::syscall(libc::SYS_ftruncate, descriptor, len) };
    let done = recorded(call, |tape, _| {
        Some(Operation::Truncate {
            path: tape.of_descriptor(descriptor)?,
            len: len.unsigned_abs(),
        })
    });
    done as c_int
}

#[unsafe(no_mangle)]
unsafe extern "C" fn fsync(descriptor: c_int) -> c_int {
    sync(descriptor, false)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn fdatasync(descriptor: c_int) -> c_int {
    sync(descriptor, true)
}

fn sync(descriptor: c_int, data: bool) -> c_int {
    let done = recorded(
        || 0,
        |tape, _| {
            let path = tape.of_descriptor(descriptor)?;
            Some(Operation::Sync { path, data })
        },
    );
    done as c_int
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rename(from: *const c_char, to: *const c_char) -> c_int {
    // SAFETY: the arguments are the caller's for this very call.
    let call = || unsafe { libc::syscall(libc::SYS_renameat, CWD, from, CWD, to) };
    let done = recorded(call, |tape, _| {
        Some(Operation::Rename {
            from: tape.relative(named(&from)?)?,
            to: tape.relative(named(&to)?)?,
        })
    });
    done as c_int
}

#[unsafe(no_mangle)]
unsafe extern "C" fn unlink(path: *const c_char) -> c_int {
    // SAFETY: the arguments are the caller's for this very call.
    let call = || unsafe { libc::syscall(libc::SYS_unlinkat, CWD, path, 0) };
    let done = recorded(call, |tape, _| {
        let path = tape.relative(named(&path)?)?;
        Some(Operation::Remove { path })
    });
    done as c_int
}

/// Paths are relative to the working directory. As wide as the system takes it.
const CWD: c_long = libc::AT_FDCWD as c_long;

fn named(path: &*const c_char) -> Option<&Path> {
    // SAFETY: the system has just taken it for a path, so it ends with a NUL.
    let path = unsafe { CStr::from_ptr(*path) };
    Some(Path::new(OsStr::from_bytes(path.to_bytes())))
}
