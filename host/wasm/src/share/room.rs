//! Room for calls in progress, waiting ones included, a part of which is kept back: plugins whose
//! calls all wait for a slow server cannot take what others need.

use tokio::sync::{Semaphore, SemaphorePermit};

/// Calls kept back: when all others are taken, each plugin may have a few of these.
const KEPT_BACK: usize = 1_024;

/// Room for calls of all plugins.
#[derive(Debug)]
pub(crate) struct Room {
    common: Semaphore,
    kept_back: Semaphore,
}

/// A call's room, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Permit<'a> {
    _call: SemaphorePermit<'a>,
    _own: Option<SemaphorePermit<'a>>,
}

impl Room {
    pub(crate) fn new(calls_max: usize) -> Self {
        let kept_back = KEPT_BACK.min(calls_max / 2);
        Self {
            common: Semaphore::new(calls_max - kept_back),
            kept_back: Semaphore::new(kept_back),
        }
    }

    /// Waits for room; `own` are the calls that the plugin may have of those kept back.
    pub(crate) async fn enter<'a>(&'a self, own: &'a Semaphore) -> Permit<'a> {
        if let Ok(call) = self.common.try_acquire() {
            return Permit {
                _call: call,
                _own: None,
            };
        }
        let kept_back = async {
            let own = acquire(own).await;
            (acquire(&self.kept_back).await, Some(own))
        };
        let (call, own) = tokio::select! {
            biased;
            call = acquire(&self.common) => (call, None),
            permits = kept_back => permits,
        };
        Permit {
            _call: call,
            _own: own,
        }
    }
}

/// A permit of a semaphore that is never closed.
pub(crate) async fn acquire(semaphore: &Semaphore) -> SemaphorePermit<'_> {
    let permit = semaphore.acquire().await;
    permit.expect("the semaphore is never closed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn plugins_whose_calls_fill_the_host_leave_room_to_another() {
        let room = Room::new(10);
        let (greedy, modest) = (Semaphore::new(2), Semaphore::new(2));
        let mut held = Vec::new();
        for _ in 0..7 {
            held.push(room.enter(&greedy).await);
        }
        let mut more = Box::pin(room.enter(&greedy));
        assert!(poll_once(&mut more).is_none(), "it has its part");
        let calls = [room.enter(&modest).await, room.enter(&modest).await];
        assert!(poll_once(&mut more).is_none());
        drop(calls);
        drop(held.pop());
        assert!(poll_once(&mut more).is_some());
    }

    /// Polls once.
    fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match std::pin::Pin::new(future).poll(&mut context) {
            std::task::Poll::Ready(value) => Some(value),
            std::task::Poll::Pending => None,
        }
    }
}
