//! Files in the directory that the operator granted.

use std::io;

use crate::Host;

/// A host that grants a directory. What is written there is outside of the commit: it stays if the
/// handler fails, so a handler that is run again should write the same.
pub trait Files: Host {
    /// Writes a file, whole or not at all, and durable when this returns. A directory in its `name`
    /// must be there.
    ///
    /// # Errors
    /// Why it could not be written.
    fn write_file(&mut self, name: &str, content: &[u8]) -> io::Result<()>;

    /// Reads a file; none if there is none of that name.
    ///
    /// # Errors
    /// Why it could not be read.
    fn read_file(&mut self, name: &str) -> io::Result<Option<Vec<u8>>>;
}
