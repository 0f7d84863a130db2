//! Wall-clock deadlines that cost nothing to a call that ends quickly.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// The deadline passed before the call ended.
#[derive(Debug)]
pub(crate) struct Passed;

/// The longest deadline; an operator's may be longer than the clock can count.
const SPAN_MAX: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The deadline of a call that begins `now` and may take `span`.
pub(crate) fn after(now: Instant, span: Duration) -> Instant {
    now + span.min(SPAN_MAX)
}

/// Runs `call` until it ends or `deadline` passes; then it is dropped.
///
/// The timer is armed only when the call first yields: a busy guest does so at the next epoch
/// tick, one that waits does at once, and most calls never do. `call` is pinned by the caller: a future
/// that owned it would be twice its size.
pub(crate) async fn within<T>(
    deadline: Instant,
    mut call: Pin<&mut impl Future<Output = T>>,
) -> Result<T, Passed> {
    let mut timer: Option<Pin<Box<Sleep>>> = None;
    poll_fn(|context| {
        if let Poll::Ready(value) = call.as_mut().poll(context) {
            return Poll::Ready(Ok(value));
        }
        let timer = timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        timer.as_mut().poll(context).map(|()| Err(Passed))
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_call_that_waits_too_long_is_given_up_and_one_in_time_is_not() {
        let deadline = || Instant::now() + Duration::from_secs(1);
        assert!(
            within(deadline(), pin!(std::future::pending::<()>()))
                .await
                .is_err()
        );
        let in_time = async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            7
        };
        assert_eq!(within(deadline(), pin!(in_time)).await.ok(), Some(7));
        let endless = after(Instant::now(), Duration::MAX);
        assert_eq!(within(endless, pin!(async { 7 })).await.ok(), Some(7));
    }
}
