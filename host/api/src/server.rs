//! The listener: accepts connections within a bound and ends them gracefully.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::metrics::Counted;
use crate::{Api, Platform};

/// Connections that the kernel holds until they are accepted; it may hold fewer.
const BACKLOG: u32 = 8_192;
/// How long to let others go when the process has no descriptor left for a connection.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(50);

/// Listens on `address`. Connections wait until [`serve`] takes them.
///
/// # Errors
/// The operating system's refusal.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    // Else a restart has to wait for the connections of the process before.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// What a listener serves, and within which bounds.
pub struct Service {
    pub(crate) router: Router,
    /// Connections at once; further ones wait.
    pub(crate) connections_max: usize,
    /// How long a connection may take to send a request's head, or stay idle before it.
    pub(crate) head_timeout: Duration,
}

/// Serves connections with one of the API's services until `stop` resolves, then lets the requests
/// in progress end, for as long as the limits allow.
pub async fn serve<P: Platform>(
    api: Api<P>,
    service: Service,
    listener: TcpListener,
    stop: impl Future<Output = ()>,
) {
    let limits = api.limits();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(service.head_timeout)
        .max_buf_size(limits.head_bytes_max);
    let server = Server {
        router: service.router,
        http,
        places: Arc::new(Semaphore::new(
            service.connections_max.min(Semaphore::MAX_PERMITS),
        )),
        graceful: GracefulShutdown::new(),
    };
    tokio::select! {
        () = server.accept_all(&listener, &api) => {}
        () = stop => {}
    }
    // Nobody can connect any more; those who wait for an outcome get their ordinary answer.
    drop(listener);
    api.stop();
    let drained = server.graceful.shutdown();
    if tokio::time::timeout(limits.drain_timeout, drained)
        .await
        .is_err()
    {
        tracing::warn!("requests in progress did not end in time and are cut off");
    }
}

struct Server {
    router: Router,
    http: http1::Builder,
    places: Arc<Semaphore>,
    graceful: GracefulShutdown,
}

impl Server {
    async fn accept_all<P: Platform>(&self, listener: &TcpListener, api: &Api<P>) {
        loop {
            let place = self.places.clone().acquire_owned().await;
            let Ok(place) = place else { return };
            match listener.accept().await {
                Ok((stream, _)) => self.connect(stream, (place, api.metrics().connection())),
                Err(error) if is_the_connections(&error) => {}
                Err(error) => {
                    tracing::error!(%error, "a connection could not be accepted");
                    tokio::time::sleep(EXHAUSTED_PAUSE).await;
                }
            }
        }
    }

    /// Serves a connection until it ends; `held` is dropped then.
    fn connect(&self, stream: TcpStream, held: (OwnedSemaphorePermit, Counted)) {
        // Answers are small and complete: waiting to send them together gains nothing.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection is gone before it was served");
            return;
        }
        let service = TowerToHyperService::new(self.router.clone());
        let connection = self.http.serve_connection(TokioIo::new(stream), service);
        let connection = self.graceful.watch(connection);
        tokio::spawn(async move {
            let _held = held;
            if let Err(error) = connection.await {
                // The client's doing: it went away, sent no HTTP, or was too slow.
                tracing::debug!(%error, "a connection ended early");
            }
        });
    }
}

/// Errors of one connection, which say nothing about the next.
fn is_the_connections(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}
