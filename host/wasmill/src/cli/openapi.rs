//! `wasmill openapi`

use crate::app::{Failure, openapi, tell};

pub(super) fn run() -> Result<(), Failure> {
    tell(openapi())
}
