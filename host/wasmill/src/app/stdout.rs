//! What commands tell on stdout.

use std::fmt::Display;
use std::io::{ErrorKind, Write};

use anyhow::Context;

use super::Failure;

/// Prints a line. A reader that has seen enough, such as `head`, is no failure.
pub(crate) fn tell(line: impl Display) -> Result<(), Failure> {
    match writeln!(std::io::stdout().lock(), "{line}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Ok(Err(error).context("stdout cannot be written to")?)
        }
        _ => Ok(()),
    }
}
