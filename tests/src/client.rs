//! A small HTTP/1.1 client over kept-alive connections: little overhead, so that load is the
//! server's and not the client's.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Body;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{HeaderMap, Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;

/// Longest wait for an answer. A request past it is an error, never a silent hang.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// Largest body after which a connection is kept, in bytes. Where the answer is there before the
/// body is sent, a client of hyper 1.12 may never be ready for another request; what fits the
/// sockets' buffers is sent first.
const KEPT_BODY_MAX: u64 = 64 << 10;

/// A client of one server. Clones share its idle connections.
#[derive(Clone, Debug)]
pub struct Client {
    address: SocketAddr,
    // A std mutex: it is held for a push or a pop, never over an await.
    idle: Arc<Mutex<Vec<SendRequest<Full<Bytes>>>>>,
}

/// An answer, read to its end.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

impl Client {
    /// A client of the server at `address`; connects when there is something to ask.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            idle: Arc::default(),
        }
    }

    /// Where this client connects to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Asks for `path`.
    ///
    /// # Errors
    /// If the connection fails or no answer comes in time.
    pub async fn get(&self, path: &str) -> Result<Reply> {
        self.request(Method::GET, path, &[], Bytes::new()).await
    }

    /// Sends `body` as JSON.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn send(&self, method: Method, path: &str, body: Bytes) -> Result<Reply> {
        self.request(method, path, &[], body).await
    }

    /// Sends a request with `headers` besides the usual ones.
    ///
    /// # Errors
    /// As [`Client::get`]. A connection that broke is not tried again: whether the server took
    /// the request is the caller's to find out.
    pub async fn request(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Reply> {
        let subject = format!("{method} http://{}{path}", self.address);
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, self.address.to_string())
            .header(CONTENT_TYPE, "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request
            .body(Full::new(body))
            .with_context(|| subject.clone())?;
        tokio::time::timeout(ANSWER_TIMEOUT, self.exchange(request))
            .await
            .with_context(|| format!("{subject}: no answer within {ANSWER_TIMEOUT:?}"))?
            .with_context(|| subject)
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Reply> {
        let size = request.body().size_hint().exact();
        let keep = size.is_some_and(|size| size <= KEPT_BODY_MAX);
        let mut connection = self.connection().await?;
        let answer = connection.send_request(request).await?;
        let (head, body) = answer.into_parts();
        let body = body.collect().await?.to_bytes();
        if keep && !connection.is_closed() {
            self.idle
                .lock()
                .expect("no panic while held")
                .push(connection);
        }
        Ok(Reply {
            status: head.status,
            headers: head.headers,
            body,
        })
    }

    /// An idle connection that is still open, or a new one.
    async fn connection(&self) -> Result<SendRequest<Full<Bytes>>> {
        while let Some(mut connection) = self.pop_idle() {
            // Waits for the connection's task to be ready, which also notices a closed socket.
            if connection.ready().await.is_ok() {
                return Ok(connection);
            }
        }
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(sender)
    }

    fn pop_idle(&self) -> Option<SendRequest<Full<Bytes>>> {
        self.idle.lock().expect("no panic while held").pop()
    }
}

impl Reply {
    /// The body as JSON.
    ///
    /// # Errors
    /// If it is not of this form; the error shows the body.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.body).with_context(|| format!("unexpected answer: {self}"))
    }

    /// This reply, if its status says that all is well.
    ///
    /// # Errors
    /// With status and body otherwise.
    pub fn success(self) -> Result<Self> {
        anyhow::ensure!(self.status.is_success(), "refused: {self}");
        Ok(self)
    }
}

impl std::fmt::Display for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = &self.body[..self.body.len().min(500)];
        write!(f, "{} {}", self.status, String::from_utf8_lossy(shown))
    }
}
