//! The seller is done with an order.

use super::{Decision, Effect, News, Order, PayStatus, Status};

/// Why an order cannot be finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotFinished {
    /// There is no such order.
    #[error("unknown order")]
    Unknown,
    /// It is not confirmed.
    #[error("the order is {0}")]
    NotConfirmed(&'static str),
    /// It is not paid.
    #[error("the order is not paid")]
    NotPaid,
}

/// Finishes a paid order; a finished one stays so.
///
/// # Errors
/// Why it cannot be finished.
pub fn finish(order: Option<Order>) -> Result<Decision, NotFinished> {
    let mut order = order.ok_or(NotFinished::Unknown)?;
    match (order.status, order.pay_status) {
        (Status::Finished, _) => {}
        (Status::Confirmed, PayStatus::Paid) => order.status = Status::Finished,
        (Status::Confirmed, _) => return Err(NotFinished::NotPaid),
        (status, _) => return Err(NotFinished::NotConfirmed(status.as_str())),
    }
    Ok(Decision::of(order, vec![Effect::Announce(News::Finished)]))
}
