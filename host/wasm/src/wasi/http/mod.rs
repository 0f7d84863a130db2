//! Outgoing HTTP: only to granted hosts and their public addresses, within bounds of time and size.
//!
//! Redirects are not followed: the guest sees them, and a request of its own is checked again.

mod address;
mod allowlist;
mod body;
mod connect;
mod exchange;
mod lookup;
mod refusal;
mod stand_in;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Request, Response};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use wasmill_model::routes::{Grants, HttpLimits};
use wasmill_model::trace;
use wasmtime_wasi_http::p2::bindings::http::types::ErrorCode;
use wasmtime_wasi_http::{Error, RequestOptions, Result, WasiBody, WasiHttpHooks};

use crate::log::PluginLog;
use crate::metrics::Metrics;
use crate::share::Own;
use crate::surroundings::HttpClient;
use crate::wasi::Tape;
use allowlist::GrantedHost;
use exchange::Times;
use lookup::Lookups;
use refusal::{Refusal, Refusals};

/// An answer, and what must be polled for its body to come.
type Sent = (
    Response<WasiBody>,
    Box<dyn Future<Output = Result<()>> + Send>,
);

/// An answer on its way.
type Sending = Pin<Box<dyn Future<Output = Result<Sent>> + Send>>;

/// A version's way out, shared by its instances.
pub(crate) struct Outgoing {
    granted: Vec<GrantedHost>,
    limits: HttpLimits,
    own: Arc<Own>,
    lookups: Lookups,
    refusals: Refusals,
    log: Arc<PluginLog>,
}

impl Outgoing {
    /// What `grants` grant `plugin`, of which it has as much at once as `own` says; what does not read
    /// as a host grants nothing.
    pub(crate) fn new(
        plugin: &str,
        grants: &Grants,
        own: Arc<Own>,
        log: Arc<PluginLog>,
        metrics: Metrics,
    ) -> Self {
        let parse = |text: &String| {
            let host = GrantedHost::parse(text, grants.http_private.contains(text));
            if host.is_none() {
                tracing::warn!(
                    plugin,
                    "the grant of HTTP to {text:?} is no `host` or `host:port`, and grants nothing"
                );
            }
            host
        };
        let limits = grants.http_limits;
        Self {
            granted: grants.http.iter().filter_map(parse).collect(),
            limits,
            lookups: Lookups::new(own.lookups.clone()),
            own,
            refusals: Refusals::new(plugin, metrics),
            log,
        }
    }
}

/// Decides which requests of an instance leave the host.
pub(crate) struct HttpGate {
    outgoing: Arc<Outgoing>,
    /// When the call in progress must have ended.
    pub(crate) deadline: Instant,
    /// The trace that the call in progress belongs to.
    pub(crate) trace: Option<String>,
    /// Whether what the call in progress receives is recorded, or was.
    pub(crate) tape: Tape,
    /// What answers in place of the network.
    client: Option<Arc<dyn HttpClient>>,
}

impl HttpGate {
    /// One of an instance that is about to start: its tape is `tape` until its first call ends.
    pub(crate) fn new(
        outgoing: Arc<Outgoing>,
        client: Option<Arc<dyn HttpClient>>,
        tape: Tape,
    ) -> Self {
        Self {
            outgoing,
            deadline: Instant::now(),
            trace: None,
            tape,
            client,
        }
    }

    /// Sends a request, unless it is forbidden.
    fn send(&self, mut request: Request<WasiBody>, times: Times) -> Sending {
        let exchanging = Exchanging {
            outgoing: self.outgoing.clone(),
            host: request.uri().host().unwrap_or_default().to_owned(),
        };
        let Some(target) = allowlist::target(&self.outgoing.granted, request.uri()) else {
            let denied = exchanging.refuse(&Refusal::NotGranted);
            body::drain(request.into_body(), times.ends);
            return Box::pin(async { Err(denied) });
        };
        if let Some(trace) = &self.trace
            && let Ok(value) = HeaderValue::from_str(trace)
        {
            let headers = request.headers_mut();
            headers.entry(trace::PARENT).or_insert(value);
        }
        match self.client.clone() {
            Some(client) => Box::pin(stand_in::exchange(client, request, exchanging)),
            None => Box::pin(exchange::exchange(request, target, times, exchanging)),
        }
    }

    /// The guest's timeouts, none of which outlasts what is granted, or the call.
    fn times(&self, asked: Option<RequestOptions>) -> Times {
        let limits = &self.outgoing.limits;
        let now = Instant::now();
        let left = self
            .deadline
            .saturating_duration_since(now)
            .min(limits.total);
        let cap = |asked: Option<Duration>, max: Duration| asked.unwrap_or(max).min(max).min(left);
        let asked = asked.unwrap_or_default();
        Times {
            connect: cap(asked.connect_timeout, limits.connect),
            first_byte: cap(asked.first_byte_timeout, limits.first_byte),
            between_bytes: cap(asked.between_bytes_timeout, limits.total),
            ends: now + left,
        }
    }
}

impl WasiHttpHooks for HttpGate {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _processed: Box<dyn Future<Output = Result<()>> + Send>,
    ) -> Box<dyn Future<Output = Result<Sent>> + Send> {
        let times = self.times(options);
        let max = self.outgoing.limits.request_bytes_max;
        let request = request.map(|body| body::request(body, max, times.ends));
        match &self.tape {
            Tape::Off => Box::new(self.send(request, times)),
            Tape::Records(recording) => {
                let (request, place) = recording.asked(request);
                Box::new(recording.clone().recorded(place, self.send(request, times)))
            }
            Tape::Plays(recording) => {
                let played = recording.clone().play(request, times.ends);
                Box::new(async move {
                    let over: Box<dyn Future<Output = Result<()>> + Send> =
                        Box::new(async { Ok(()) });
                    Ok((played.await?, over))
                })
            }
        }
    }

    // The defaults of these write to the host's log, each time.

    fn p2_error_from_hyper(&mut self, _error: &hyper::Error) -> ErrorCode {
        ErrorCode::HttpProtocolError
    }

    fn p2_error_from_connect(&mut self, _error: &std::io::Error) -> ErrorCode {
        ErrorCode::ConnectionRefused
    }

    fn p2_error_from_tls(&mut self, _error: &std::io::Error) -> ErrorCode {
        ErrorCode::TlsProtocolError
    }
}

/// A request under way.
struct Exchanging {
    outgoing: Arc<Outgoing>,
    host: String,
}

impl Exchanging {
    fn limits(&self) -> &HttpLimits {
        &self.outgoing.limits
    }

    /// Waits until there is room for it, which it takes until that is dropped.
    async fn room(&self) -> OwnedSemaphorePermit {
        let requests = &self.outgoing.own.requests;
        let room = requests.clone().acquire_owned().await;
        room.expect("the semaphore is never closed")
    }

    /// Notes that it is forbidden; what the guest is told of that.
    fn refuse(&self, refusal: &Refusal) -> Error {
        let Outgoing { refusals, log, .. } = &*self.outgoing;
        refusals.note(log, &self.host, refusal)
    }
}
