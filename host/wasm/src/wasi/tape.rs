//! What a call received by HTTP, recorded to be played to another version of the plugin.
//!
//! Answers are matched by method and URL, in order. They are recorded as the guest reads them, so one
//! that it did not read to its end is not played, nor one beyond the bound.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Full};
use wasmtime_wasi_http::{Error, Result, WasiBody};

/// Most bytes of all bodies of one call.
const BYTES_MAX: usize = 1 << 20;
/// Most answers of one call.
const ANSWERS_MAX: usize = 64;

/// Whether a call's HTTP is recorded, or played from what was.
#[derive(Clone, Debug, Default)]
pub(crate) enum Tape {
    /// Neither.
    #[default]
    Off,
    /// It is recorded.
    Records(Recording),
    /// It is played: no request leaves the host.
    Plays(Recording),
}

/// The answers of one call; clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recording(Arc<Mutex<Answers>>);

#[derive(Debug, Default)]
struct Answers {
    all: Vec<Answer>,
    bytes: usize,
    unanswered: u64,
}

#[derive(Debug)]
struct Answer {
    method: Method,
    uri: Uri,
    came: Came,
    played: bool,
}

#[derive(Debug)]
enum Came {
    /// The request failed, for this reason.
    Failed(String),
    /// An answer, and whether all of it was read.
    Answered {
        status: StatusCode,
        headers: HeaderMap,
        body: BytesMut,
        whole: bool,
    },
}

impl Recording {
    /// How many requests found nothing that could be played.
    pub(crate) fn unanswered(&self) -> u64 {
        self.answers().unanswered
    }

    /// Plays the first answer to such a request that was not played yet.
    pub(super) fn play(&self, request: &Request<WasiBody>) -> Result<Response<WasiBody>> {
        let mut answers = self.answers();
        let found = answers.all.iter_mut().find(|answer| {
            let is_such = answer.method == *request.method() && answer.uri == *request.uri();
            is_such && !answer.played && answer.is_whole()
        });
        let Some(answer) = found else {
            answers.unanswered += 1;
            return Err(Error::HttpRequestDenied);
        };
        answer.played = true;
        match &answer.came {
            Came::Failed(why) => Err(Error::InternalError(Some(why.clone()))),
            Came::Answered {
                status,
                headers,
                body,
                ..
            } => {
                let body = Full::new(Bytes::copy_from_slice(body));
                let body = body.map_err(|never| match never {}).boxed_unsync();
                let mut response = Response::new(body);
                *response.status_mut() = *status;
                *response.headers_mut() = headers.clone();
                Ok(response)
            }
        }
    }

    /// Records what comes of a request.
    pub(super) async fn recorded<C>(
        self,
        method: Method,
        uri: Uri,
        sent: impl Future<Output = Result<(Response<WasiBody>, C)>>,
    ) -> Result<(Response<WasiBody>, C)> {
        match sent.await {
            Ok((response, connection)) => Ok((self.answered(method, uri, response), connection)),
            Err(error) => {
                self.failed(method, uri, &error);
                Err(error)
            }
        }
    }

    /// Notes that a request failed.
    fn failed(&self, method: Method, uri: Uri, error: &Error) {
        self.add(method, uri, Came::Failed(error.to_string()));
    }

    /// Records an answer as it is read.
    fn answered(
        &self,
        method: Method,
        uri: Uri,
        response: Response<WasiBody>,
    ) -> Response<WasiBody> {
        let came = Came::Answered {
            status: response.status(),
            headers: response.headers().clone(),
            body: BytesMut::new(),
            whole: false,
        };
        let Some(place) = self.add(method, uri, came) else {
            return response;
        };
        let recording = self.clone();
        let recorded = |inner| Recorded {
            inner,
            recording,
            place,
        };
        response.map(|body| recorded(body).boxed_unsync())
    }

    fn add(&self, method: Method, uri: Uri, came: Came) -> Option<usize> {
        let mut answers = self.answers();
        let place = answers.all.len();
        (place < ANSWERS_MAX).then(|| {
            answers.all.push(Answer {
                method,
                uri,
                came,
                played: false,
            });
            place
        })
    }

    /// Adds to the body of an answer; one beyond the bound never becomes whole.
    fn read(&self, place: usize, data: &[u8]) {
        let mut answers = self.answers();
        let fits = answers.bytes + data.len() <= BYTES_MAX;
        answers.bytes = answers.bytes.saturating_add(data.len());
        if let Came::Answered { body, .. } = &mut answers.all[place].came
            && fits
        {
            body.extend_from_slice(data);
        }
    }

    fn end(&self, place: usize) {
        let mut answers = self.answers();
        let fits = answers.bytes <= BYTES_MAX;
        if let Came::Answered { whole, .. } = &mut answers.all[place].came {
            *whole = fits;
        }
    }

    fn answers(&self) -> MutexGuard<'_, Answers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Answer {
    fn is_whole(&self) -> bool {
        match self.came {
            Came::Failed(_) => true,
            Came::Answered { whole, .. } => whole,
        }
    }
}

/// The body of an answer that is recorded.
struct Recorded {
    inner: WasiBody,
    recording: Recording,
    place: usize,
}

impl Body for Recorded {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    self.recording.read(self.place, data);
                }
                // Who knows that this was the last need not ask again.
                if self.inner.is_end_stream() {
                    self.recording.end(self.place);
                }
            }
            Some(Err(_)) => {}
            None => self.recording.end(self.place),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, uri: &str) -> Request<WasiBody> {
        let request = Request::builder().method(method).uri(uri);
        request.body(body(b"")).unwrap()
    }

    fn body(bytes: &[u8]) -> WasiBody {
        let body = Full::new(Bytes::copy_from_slice(bytes));
        body.map_err(|never| match never {}).boxed_unsync()
    }

    /// Has the recording see an answer of which the guest reads all, or nothing.
    async fn answer(recording: &Recording, uri: &str, bytes: &[u8], reads: bool) {
        let response = Response::new(body(bytes));
        let response = recording.answered(Method::GET, uri.parse().unwrap(), response);
        if reads {
            let read = response.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(read, bytes);
        }
    }

    async fn played(recording: &Recording, method: &str, uri: &str) -> Option<Bytes> {
        let response = recording.play(&request(method, uri)).ok()?;
        Some(response.into_body().collect().await.unwrap().to_bytes())
    }

    #[tokio::test]
    async fn answers_are_played_once_each_in_order_to_the_same_request() {
        let recording = Recording::default();
        answer(&recording, "http://a/x", b"one", true).await;
        answer(&recording, "http://a/y", b"other", true).await;
        answer(&recording, "http://a/x", b"two", true).await;
        let play = |method: &'static str, uri: &'static str| {
            let recording = recording.clone();
            async move { played(&recording, method, uri).await }
        };
        assert_eq!(play("POST", "http://a/x").await, None);
        assert_eq!(play("GET", "http://a/x").await.unwrap(), "one");
        assert_eq!(play("GET", "http://a/x").await.unwrap(), "two");
        assert_eq!(play("GET", "http://a/x").await, None);
        assert_eq!(play("GET", "http://a/y").await.unwrap(), "other");
        assert_eq!(recording.unanswered(), 2);
    }

    #[tokio::test]
    async fn what_was_not_read_or_is_too_large_is_not_played() {
        let recording = Recording::default();
        answer(&recording, "http://a/unread", b"one", false).await;
        answer(&recording, "http://a/small", b"two", true).await;
        answer(&recording, "http://a/large", &vec![0; BYTES_MAX], true).await;
        let failed = Error::HttpRequestDenied;
        recording.failed(Method::GET, "http://a/failed".parse().unwrap(), &failed);
        for uri in ["http://a/unread", "http://a/large", "http://a/failed"] {
            assert_eq!(played(&recording, "GET", uri).await, None, "{uri}");
        }
        assert_eq!(
            played(&recording, "GET", "http://a/small").await.unwrap(),
            "two"
        );
        assert_eq!(recording.unanswered(), 2, "a failure is played as one");
    }
}
