//! Bodies within bounds of size and time.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};
use wasmtime_wasi_http::{Error, WasiBody};

use super::Exchanging;
use super::exchange::Times;
use super::refusal::Refusal;

/// A request's body, which fails once it is larger than `max` bytes. What comes after is read all the
/// same, until `ends`.
pub(super) fn request(body: WasiBody, max: usize, ends: Instant) -> WasiBody {
    let bounded = Request {
        inner: Some(body),
        left: max,
        max,
        ends,
    };
    bounded.boxed_unsync()
}

struct Request {
    /// None once it was too large.
    inner: Option<WasiBody>,
    /// Bytes that it may still have.
    left: usize,
    max: usize,
    ends: Instant,
}

impl Body for Request {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Some(inner) = &mut self.inner else {
            return Poll::Ready(None);
        };
        let frame = ready!(Pin::new(inner).poll_frame(context));
        let data = frame
            .as_ref()
            .and_then(|frame| frame.as_ref().ok()?.data_ref());
        let bytes = data.map_or(0, Bytes::len);
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                Poll::Ready(frame)
            }
            None => {
                if let Some(rest) = self.inner.take() {
                    drain(rest, self.ends);
                }
                Poll::Ready(Some(Err(Refusal::RequestBytes(self.max).error())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner
            .as_ref()
            .map_or_else(SizeHint::default, Body::size_hint)
    }
}

/// Reads the body of a request that is not sent, beside all else and until this time: a guest that
/// writes it before it looks for the answer would else be told that the body is closed, and not why.
pub(super) fn drain(mut body: WasiBody, ends: Instant) {
    if body.is_end_stream() {
        return;
    }
    tokio::spawn(timeout_at(ends, async move {
        while let Some(Ok(_)) = body.frame().await {}
    }));
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
