//! One request and its answer, over a connection of their own.

use std::error::Error as _;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use http::uri::PathAndQuery;
use http::{Request, Response, Uri};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout, timeout_at};
use wasmtime_wasi_http::io::TokioIo;
use wasmtime_wasi_http::{Error, Result, WasiBody};

use super::allowlist::Target;
use super::connect::{Stream, Unconnected, connect};
use super::refusal::Refusal;
use super::{Exchanging, Sent, body};

/// How long each part of an exchange may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) connect: Duration,
    pub(super) first_byte: Duration,
    pub(super) between_bytes: Duration,
    /// When all of it must have ended.
    pub(super) ends: Instant,
}

impl Times {
    /// When the next frame of a body must have come.
    pub(super) fn next_frame(&self) -> Instant {
        (Instant::now() + self.between_bytes).min(self.ends)
    }
}

type Connection = Pin<Box<http1::Connection<TokioIo<Box<dyn Stream>>, WasiBody>>>;

/// An answer without its body.
struct Head {
    answer: Response<Incoming>,
    /// None once it has ended.
    connection: Option<Connection>,
    /// Until the body has come, or is given up, the request is under way.
    room: OwnedSemaphorePermit,
}

/// Sends `request` to `target`; the answer's body comes while the second part of what is returned
/// is polled.
pub(super) async fn exchange(
    request: Request<WasiBody>,
    target: Target,
    times: Times,
    exchanging: Exchanging,
) -> Result<Sent> {
    let reached = timeout_at(times.ends, reach(&target, times, &exchanging)).await;
    let reached = match reached.unwrap_or(Err(Error::HttpResponseTimeout)) {
        Ok(reached) => reached,
        Err(error) => {
            body::drain(request.into_body(), times.ends);
            return Err(error);
        }
    };
    let head = timeout_at(times.ends, head(request, reached, times, &exchanging)).await;
    let Head {
        answer,
        connection,
        room,
    } = head.map_err(|_| Error::HttpResponseTimeout)??;
    let answer = answer.map(|incoming| body::Response::new(incoming, times, exchanging));
    let rest = async move {
        let _room = room;
        let Some(connection) = connection else {
            return Ok(());
        };
        let ended = timeout_at(times.ends, connection).await;
        ended
            .map_err(|_| Error::HttpResponseTimeout)?
            .map_err(explained)
    };
    Ok((answer.map(BodyExt::boxed_unsync), Box::new(rest)))
}

/// A connection over which nothing was sent yet.
struct Reached {
    sender: http1::SendRequest<WasiBody>,
    connection: Connection,
    /// Kept until the exchange is over.
    room: OwnedSemaphorePermit,
}

async fn reach(target: &Target, times: Times, exchanging: &Exchanging) -> Result<Reached> {
    let limits = exchanging.limits();
    let connect_by = Instant::now() + times.connect;
    let room = timeout_at(connect_by, exchanging.room()).await;
    let room = room.map_err(|_| exchanging.refuse(&Refusal::Concurrency(limits.concurrency)))?;
    let connected = timeout_at(connect_by, async {
        let stream = connect(target, &exchanging.outgoing.lookups).await?;
        let handshake = http1::handshake(TokioIo::new(stream)).await;
        handshake.map_err(|error| Unconnected::Failed(explained(error)))
    });
    match connected.await {
        Ok(Ok((sender, connection))) => Ok(Reached {
            sender,
            connection: Box::pin(connection),
            room,
        }),
        Ok(Err(Unconnected::Failed(error))) => Err(error),
        Ok(Err(Unconnected::Refused(refusal))) => Err(exchanging.refuse(&refusal)),
        Err(_) => Err(Error::ConnectionTimeout),
    }
}

async fn head(
    mut request: Request<WasiBody>,
    reached: Reached,
    times: Times,
    exchanging: &Exchanging,
) -> Result<Head> {
    let Reached {
        mut sender,
        connection,
        room,
    } = reached;
    // Scheme and authority are for proxies; the latter stands in the header `host`.
    let path = request.uri().path_and_query().cloned();
    *request.uri_mut() = Uri::from(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
    let max = exchanging.limits().request_bytes_max;
    let mut connection = Some(connection);
    let sending = drive(sender.send_request(request), &mut connection);
    let sent = timeout(times.first_byte, sending).await;
    match sent.map_err(|_| Error::ConnectionReadTimeout)? {
        Err(Error::HttpRequestBodySize(_)) => Err(exchanging.refuse(&Refusal::RequestBytes(max))),
        Err(error) => Err(error),
        Ok(answer) => Ok(Head {
            answer,
            connection,
            room,
        }),
    }
}

/// Polls the connection until `sending` has ended.
async fn drive<T>(
    sending: impl Future<Output = hyper::Result<T>>,
    connection: &mut Option<Connection>,
) -> Result<T> {
    let mut sending = pin!(sending);
    poll_fn(|context| {
        if let Poll::Ready(sent) = sending.as_mut().poll(context) {
            return Poll::Ready(sent.map_err(explained));
        }
        let ended = match connection {
            None => return Poll::Pending,
            Some(connection) => match connection.as_mut().poll(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(ended) => ended,
            },
        };
        *connection = None;
        match ended {
            // What came last may be the answer.
            Ok(()) => sending.as_mut().poll(context).map_err(explained),
            Err(error) => Poll::Ready(Err(explained(error))),
        }
    })
    .await
}

/// The error within hyper's: a body's own, or that of a protocol.
fn explained(error: hyper::Error) -> Error {
    match error.source().and_then(|source| source.downcast_ref()) {
        Some(Error::HttpRequestBodySize(max)) => Error::HttpRequestBodySize(*max),
        _ if error.is_timeout() => Error::HttpResponseTimeout,
        _ => Error::Hyper(error),
    }
}
