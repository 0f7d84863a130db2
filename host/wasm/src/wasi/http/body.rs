//! Bodies within bounds of size and time.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep_until};
use wasmtime_wasi_http::{Error, WasiBody};

use super::Exchanging;
use super::exchange::Times;
use super::refusal::Refusal;

/// A request's body, which fails once it is larger than `max` bytes.
pub(super) fn request(body: WasiBody, max: usize) -> WasiBody {
    Limited::new(body, max)
        .map_err(move |error| match error.downcast::<Error>() {
            Ok(error) => *error,
            Err(_) => Refusal::RequestBytes(max).error(),
        })
        .boxed_unsync()
}

/// An answer's body: it fails when it is too large, when nothing comes for too long, and when the
/// time of the exchange is over.
pub(super) struct Response {
    incoming: Incoming,
    /// Bytes that it may still have.
    left: usize,
    times: Times,
    /// When the next frame must have come.
    timer: Pin<Box<Sleep>>,
    exchanging: Exchanging,
}

impl Response {
    pub(super) fn new(incoming: Incoming, times: Times, exchanging: Exchanging) -> Self {
        Self {
            incoming,
            left: exchanging.limits().response_bytes_max,
            times,
            timer: Box::pin(sleep_until(times.next_frame())),
            exchanging,
        }
    }

    fn take(&mut self, frame: Frame<Bytes>) -> Result<Frame<Bytes>, Error> {
        let bytes = frame.data_ref().map_or(0, Bytes::len);
        let Some(left) = self.left.checked_sub(bytes) else {
            let max = self.exchanging.limits().response_bytes_max;
            return Err(self.exchanging.refuse(&Refusal::ResponseBytes(max)));
        };
        self.left = left;
        self.timer.as_mut().reset(self.times.next_frame());
        Ok(frame)
    }
}

impl Body for Response {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.incoming).poll_frame(context) {
            return Poll::Ready(frame.map(|frame| self.take(frame?)));
        }
        ready!(self.timer.as_mut().poll(context));
        Poll::Ready(Some(Err(match Instant::now() < self.times.ends {
            true => Error::ConnectionReadTimeout,
            false => Error::HttpResponseTimeout,
        })))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
