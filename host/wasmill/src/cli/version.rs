//! `wasmill version`

use crate::app::Failure;

#[expect(clippy::unnecessary_wraps, reason = "commands have one signature")]
pub(super) fn run() -> Result<(), Failure> {
    println!("wasmill {}", env!("CARGO_PKG_VERSION"));
    Ok(())
}
