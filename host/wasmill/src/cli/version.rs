//! `wasmill version`

use crate::app::{Failure, tell};

pub(super) fn run() -> Result<(), Failure> {
    tell(format_args!("wasmill {}", env!("CARGO_PKG_VERSION")))
}
