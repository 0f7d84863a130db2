//! A body at whose content something looks on as it passes.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use wasmtime_wasi_http::{Error, WasiBody};

/// What passes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Passing<'a> {
    /// Some of the content.
    Data(&'a [u8]),
    /// The content is over.
    End,
}

/// Lets `watch` look on at a body. It sees no end of one that fails, or is dropped before.
pub(super) fn watched(
    inner: WasiBody,
    mut watch: impl FnMut(Passing<'_>) + Send + Unpin + 'static,
) -> WasiBody {
    // Who knows that there is nothing to come need not ask.
    if inner.is_end_stream() {
        watch(Passing::End);
    }
    Watched { inner, watch }.boxed_unsync()
}

struct Watched<W> {
    inner: WasiBody,
    watch: W,
}

impl<W: FnMut(Passing<'_>) + Unpin> Body for Watched<W> {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Self { inner, watch } = &mut *self;
        let frame = ready!(Pin::new(&mut *inner).poll_frame(context));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    watch(Passing::Data(data));
                }
                if inner.is_end_stream() {
                    watch(Passing::End);
                }
            }
            Some(Err(_)) => {}
            None => watch(Passing::End),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
