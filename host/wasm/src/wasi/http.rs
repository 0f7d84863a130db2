//! Outgoing HTTP: only to granted hosts, within the call's deadline, with bounded answers.
//!
//! Redirects are not followed: the guest sees them, and a request of its own is checked again.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use http::uri::{Authority, Scheme};
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use tokio::time::Instant;
use wasmill_model::trace;
use wasmtime_wasi_http::{
    Error, RequestOptions, Result, WasiBody, WasiHttpHooks, default_send_request,
};

use crate::surroundings::HttpClient;

/// Largest body of an answer.
const RESPONSE_BYTES_MAX: usize = 16 << 20;

type Exchange = (
    Response<WasiBody>,
    Box<dyn Future<Output = Result<()>> + Send>,
);

/// Decides which requests of an instance leave the host.
pub(crate) struct HttpGate {
    granted: Arc<[GrantedHost]>,
    /// When the call in progress must have ended.
    pub(crate) deadline: Instant,
    /// The trace that the call in progress belongs to.
    pub(crate) trace: Option<String>,
    /// What answers in place of the network.
    client: Option<Arc<dyn HttpClient>>,
}

/// A granted host. Without a port it stands for the port of the request's scheme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GrantedHost {
    name: String,
    port: Option<u16>,
}

impl GrantedHost {
    /// Reads `host` or `host:port`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let authority: Authority = text.parse().ok()?;
        let name = authority.host().to_ascii_lowercase();
        let port = authority.port_u16();
        // An authority may also hold credentials, or a port that is no number.
        let plain = match port {
            Some(port) => format!("{name}:{port}"),
            None => name.clone(),
        };
        (!name.is_empty() && plain == text.to_ascii_lowercase()).then_some(Self { name, port })
    }

    fn admits(&self, name: &str, port: u16, scheme_port: u16) -> bool {
        self.name == name && self.port.unwrap_or(scheme_port) == port
    }
}

impl HttpGate {
    pub(crate) fn new(granted: Arc<[GrantedHost]>, client: Option<Arc<dyn HttpClient>>) -> Self {
        Self {
            granted,
            deadline: Instant::now(),
            trace: None,
            client,
        }
    }

    fn admits(&self, request: &Request<WasiBody>) -> bool {
        let uri = request.uri();
        let scheme_port = if uri.scheme() == Some(&Scheme::HTTPS) {
            443
        } else {
            80
        };
        let Some(host) = uri
            .authority()
            .and_then(|authority| GrantedHost::parse(authority.as_str()))
        else {
            return false;
        };
        let port = host.port.unwrap_or(scheme_port);
        self.granted
            .iter()
            .any(|granted| granted.admits(&host.name, port, scheme_port))
    }

    /// The guest's timeouts, none of which outlasts the call.
    fn timeouts(&self, asked: Option<RequestOptions>) -> RequestOptions {
        let left = self.deadline.saturating_duration_since(Instant::now());
        let cap = |timeout: Option<Duration>| Some(timeout.unwrap_or(left).min(left));
        let asked = asked.unwrap_or_default();
        RequestOptions {
            connect_timeout: cap(asked.connect_timeout),
            first_byte_timeout: cap(asked.first_byte_timeout),
            between_bytes_timeout: cap(asked.between_bytes_timeout),
        }
    }
}

impl WasiHttpHooks for HttpGate {
    fn send_request(
        &mut self,
        mut request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _processed: Box<dyn Future<Output = Result<()>> + Send>,
    ) -> Box<dyn Future<Output = Result<Exchange>> + Send> {
        if !self.admits(&request) {
            tracing::debug!(target: "plugin", uri = %request.uri(), "HTTP request not granted");
            return Box::new(async { Err(Error::HttpRequestDenied) });
        }
        if let Some(trace) = &self.trace
            && let Ok(value) = HeaderValue::from_str(trace)
        {
            let headers = request.headers_mut();
            headers.entry(trace::PARENT).or_insert(value);
        }
        if let Some(client) = self.client.clone() {
            return Box::new(answered(client, request));
        }
        let options = self.timeouts(options);
        Box::new(async move {
            let (response, connection) = default_send_request(request, Some(options)).await?;
            let connection: Box<dyn Future<Output = Result<()>> + Send> = Box::new(connection);
            Ok((response.map(bounded), connection))
        })
    }
}

/// An exchange with what stands in for the network: bounded as one over the network is.
async fn answered(client: Arc<dyn HttpClient>, request: Request<WasiBody>) -> Result<Exchange> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let answer = client.send(Request::from_parts(parts, body)).await;
    let response = answer.map_err(|why| Error::InternalError(Some(why)))?;
    let whole = |body| bounded(Full::new(body).map_err(|never| match never {}));
    Ok((response.map(whole), Box::new(async { Ok(()) })))
}

fn bounded(
    body: impl http_body::Body<Data = bytes::Bytes, Error = Error> + Send + 'static,
) -> WasiBody {
    Limited::new(body, RESPONSE_BYTES_MAX)
        .map_err(|error| match error.downcast::<Error>() {
            Ok(error) => *error,
            Err(_) => Error::HttpResponseBodySize(Some(RESPONSE_BYTES_MAX as u64)),
        })
        .boxed_unsync()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(granted: &str, uri: &str) -> bool {
        let gate = HttpGate::new([GrantedHost::parse(granted).unwrap()].into(), None);
        let body = http_body_util::Empty::new()
            .map_err(|never| match never {})
            .boxed_unsync();
        gate.admits(&Request::builder().uri(uri).body(body).unwrap())
    }

    #[test]
    fn a_grant_is_for_one_host_and_one_port() {
        assert!(admits("pay.example", "https://pay.example/charges"));
        assert!(admits("pay.example", "http://PAY.example/"));
        assert!(admits("127.0.0.1:18080", "http://127.0.0.1:18080/"));
        assert!(admits("[::1]:80", "http://[::1]/"));
        assert!(!admits("pay.example", "https://pay.example:8443/"));
        assert!(!admits("127.0.0.1:18080", "http://127.0.0.1:18081/"));
        assert!(!admits("pay.example", "https://evil.example/"));
        assert!(!admits("pay.example", "https://pay.example.evil.example/"));
        assert!(!admits("pay.example", "https://pay.example@evil.example/"));
        assert!(!admits("pay.example", "https://user@pay.example/"));
    }

    #[test]
    fn a_malformed_grant_is_none() {
        assert_eq!(GrantedHost::parse("http://pay.example"), None);
        assert_eq!(GrantedHost::parse("user@pay.example"), None);
        assert_eq!(GrantedHost::parse(""), None);
    }
}
