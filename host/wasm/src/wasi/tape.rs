//! What a call asked for and received by HTTP, recorded to be played to another version of the plugin.
//!
//! Requests are matched by method and URL, in order, those with the same body first. Answers are
//! recorded as the guest reads them, so one that it did not read to its end is not played, nor one
//! beyond the bound.

mod content;
#[cfg(test)]
mod tests;
mod watched;

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use tokio::time::{Instant, timeout_at};
use wasmill_port::chosen::REQUESTS_TOLD_MAX;
use wasmill_port::compare::{DIFFERENCES_MAX, Difference};
use wasmtime_wasi_http::{Error, Result, WasiBody};

use content::Content;
use watched::{Passing, watched};

/// Most bytes of all answers' bodies of one call.
const BYTES_MAX: usize = 1 << 20;
/// Most requests of one call.
const REQUESTS_MAX: usize = 64;

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

impl Tape {
    /// One from which nothing can be played, so that each request is refused.
    pub(crate) fn closed() -> Self {
        Self::Plays(Recording::default())
    }
}

/// The exchanges of one call; clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recording(Arc<Mutex<Exchanges>>);

#[derive(Debug, Default)]
struct Exchanges {
    all: Vec<Exchange>,
    /// There were more requests than are recorded.
    overflows: bool,
    /// Of all answers' bodies.
    bytes: usize,
    /// Requests that found nothing that could be played.
    unanswered: u64,
    /// The first requests to which there was none like them.
    others: Vec<(Method, Uri, Content)>,
}

#[derive(Debug)]
struct Exchange {
    method: Method,
    uri: Uri,
    content: Content,
    came: Came,
    /// The content with which the one asked to whom it is played.
    played: Option<Content>,
}

/// What came of a request.
#[derive(Debug)]
enum Came {
    /// Nothing so far.
    Nothing,
    /// It failed, for this reason.
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
        self.exchanges().unanswered
    }

    /// What differs between the requests that were recorded and those that were played to.
    pub(crate) fn differences(&self) -> Vec<Difference> {
        let exchanges = self.exchanges();
        let recorded = exchanges.all.iter().filter_map(Exchange::difference);
        let others = exchanges
            .others
            .iter()
            .map(|(method, uri, content)| Difference {
                what: told(method, uri),
                running: "not sent".to_owned(),
                candidate: content.to_string(),
            });
        recorded.chain(others).take(DIFFERENCES_MAX).collect()
    }

    /// The first requests that found nothing, as method and URL, secrets among them.
    pub(crate) fn unplayed(&self) -> Vec<String> {
        let exchanges = self.exchanges();
        let others = exchanges.others.iter();
        others
            .map(|(method, uri, _)| format!("{method} {uri}"))
            .collect()
    }

    /// Plays what came of the first such request to which it was not played yet, once all of this one
    /// was sent, or `ends` has come.
    pub(super) async fn play(
        self,
        request: Request<WasiBody>,
        ends: Instant,
    ) -> Result<Response<WasiBody>> {
        let (head, body) = request.into_parts();
        let mut content = Content::new(&head.headers);
        // Late or not: what is there is compared.
        let _ = timeout_at(ends, content.drain(body)).await;
        self.exchanges().play(&head.method, &head.uri, content)
    }

    /// Records a request, and its body as it is sent. None if there were too many.
    pub(super) fn asked(&self, request: Request<WasiBody>) -> (Request<WasiBody>, Option<usize>) {
        let mut exchanges = self.exchanges();
        let place = exchanges.all.len();
        if place == REQUESTS_MAX {
            exchanges.overflows = true;
            return (request, None);
        }
        exchanges.all.push(Exchange {
            method: request.method().clone(),
            uri: request.uri().clone(),
            content: Content::new(request.headers()),
            came: Came::Nothing,
            played: None,
        });
        drop(exchanges);
        let recording = self.clone();
        let note = move |passing: Passing<'_>| {
            recording.exchanges().all[place].content.add(passing);
        };
        (request.map(|body| watched(body, note)), Some(place))
    }

    /// Records what comes of a request.
    pub(super) async fn recorded<C>(
        self,
        place: Option<usize>,
        sent: impl Future<Output = Result<(Response<WasiBody>, C)>>,
    ) -> Result<(Response<WasiBody>, C)> {
        let sent = sent.await;
        let Some(place) = place else {
            return sent;
        };
        match sent {
            Ok((response, connection)) => Ok((self.answered(place, response), connection)),
            Err(error) => {
                self.exchanges().all[place].came = Came::Failed(error.to_string());
                Err(error)
            }
        }
    }

    /// Records an answer as it is read.
    fn answered(&self, place: usize, response: Response<WasiBody>) -> Response<WasiBody> {
        self.exchanges().all[place].came = Came::Answered {
            status: response.status(),
            headers: response.headers().clone(),
            body: BytesMut::new(),
            whole: false,
        };
        let recording = self.clone();
        let note = move |passing: Passing<'_>| recording.exchanges().read(place, passing);
        response.map(|body| watched(body, note))
    }

    fn exchanges(&self) -> MutexGuard<'_, Exchanges> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Exchanges {
    fn play(&mut self, method: &Method, uri: &Uri, content: Content) -> Result<Response<WasiBody>> {
        let is_such = |it: &Exchange| it.method == *method && it.uri == *uri;
        let is_free = |it: &Exchange| is_such(it) && it.played.is_none();
        let same = |it: &Exchange| is_free(it) && !it.content.differs(&content);
        let place = self.all.iter().position(same);
        let place = place.or_else(|| self.all.iter().position(is_free));
        let Some(place) = place else {
            self.unanswered += 1;
            if !self.overflows && self.others.len() < REQUESTS_TOLD_MAX {
                self.others.push((method.clone(), uri.clone(), content));
            }
            return Err(Error::HttpRequestDenied);
        };
        let exchange = &mut self.all[place];
        exchange.played = Some(content);
        match &exchange.came {
            Came::Failed(why) => Err(Error::InternalError(Some(why.clone()))),
            Came::Answered {
                status,
                headers,
                body,
                whole: true,
            } => {
                let body = Full::new(Bytes::copy_from_slice(body));
                let body = body.map_err(|never| match never {}).boxed_unsync();
                let mut response = Response::new(body);
                *response.status_mut() = *status;
                *response.headers_mut() = headers.clone();
                Ok(response)
            }
            Came::Nothing | Came::Answered { .. } => {
                self.unanswered += 1;
                Err(Error::HttpRequestDenied)
            }
        }
    }

    /// Adds to the body of an answer; one beyond the bound never becomes whole.
    fn read(&mut self, place: usize, passing: Passing<'_>) {
        let Self { all, bytes, .. } = self;
        let Came::Answered { body, whole, .. } = &mut all[place].came else {
            return;
        };
        match passing {
            Passing::Data(data) => {
                *bytes = bytes.saturating_add(data.len());
                if *bytes <= BYTES_MAX {
                    body.extend_from_slice(data);
                }
            }
            Passing::End => *whole = *bytes <= BYTES_MAX,
        }
    }
}

impl Exchange {
    fn difference(&self) -> Option<Difference> {
        let what = told(&self.method, &self.uri);
        let running = self.content.to_string();
        match &self.played {
            None => Some(Difference {
                what,
                running,
                candidate: "not sent".to_owned(),
            }),
            Some(content) if content.differs(&self.content) => Some(Difference {
                what: format!("{what}: body"),
                running,
                candidate: content.to_string(),
            }),
            Some(_) => None,
        }
    }
}

/// A request, without what may be secret in its URL.
fn told(method: &Method, uri: &Uri) -> String {
    let host = uri.host().unwrap_or_default();
    let port = uri
        .port()
        .map_or_else(String::new, |port| format!(":{port}"));
    let query = if uri.query().is_some() { "?..." } else { "" };
    format!("request `{method} {host}{port}{}{query}`", uri.path())
}
