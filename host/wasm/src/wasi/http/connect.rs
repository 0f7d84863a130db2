//! Connections to granted hosts, to addresses that they may have.
//!
//! A name is looked up once, and what is connected to is an address that this very look-up gave and
//! that was judged: a name server that answers otherwise a moment later is not asked.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, LazyLock};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use wasmtime_wasi_http::{Error, Result};

use super::address::is_public;
use super::allowlist::Target;
use super::lookup::Lookups;
use super::refusal::Refusal;

static TLS: LazyLock<Arc<ClientConfig>> = LazyLock::new(|| {
    let roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.into(),
    };
    let config = ClientConfig::builder().with_root_certificates(roots);
    Arc::new(config.with_no_client_auth())
});

/// Bytes in both directions.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Why there is no connection.
#[derive(Debug)]
pub(super) enum Unconnected {
    /// It is forbidden.
    Refused(Refusal),
    /// It failed.
    Failed(Error),
}

impl From<Error> for Unconnected {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// A connection to `target`, encrypted if it asks for that.
pub(super) async fn connect(
    target: &Target,
    lookups: &Lookups,
) -> Result<Box<dyn Stream>, Unconnected> {
    let addresses = addresses(target, lookups).await?;
    let stream = connect_to(target, &addresses).await?;
    if !target.tls {
        return Ok(Box::new(stream));
    }
    let name = ServerName::try_from(target.host.clone()).map_err(Error::from)?;
    let connector = TlsConnector::from(TLS.clone());
    let stream = connector.connect(name, stream).await.map_err(Error::Tls)?;
    Ok(Box::new(stream))
}

async fn addresses(target: &Target, lookups: &Lookups) -> Result<Vec<SocketAddr>> {
    if let Ok(address) = target.host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, target.port)]);
    }
    let found = lookups.addresses(&target.host, target.port).await;
    let unknown = |_| Error::DnsError {
        rcode: Some("address not available".to_owned()),
        info_code: None,
    };
    found.map_err(unknown)
}

/// Tries those of `addresses` that `target` may have, one after the other.
async fn connect_to(target: &Target, addresses: &[SocketAddr]) -> Result<TcpStream, Unconnected> {
    let permitted = |address: &&SocketAddr| target.private || is_public(address.ip());
    let mut failed = None;
    for address in addresses.iter().filter(permitted) {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => failed = Some(error),
        }
    }
    match (failed, addresses.first()) {
        (Some(error), _) => Err(Error::Connect(error).into()),
        (None, Some(forbidden)) => Err(Unconnected::Refused(Refusal::Private(forbidden.ip()))),
        (None, None) => Err(Error::Connect(io::ErrorKind::AddrNotAvailable.into()).into()),
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;
    use tokio::sync::Semaphore;

    use super::*;

    fn target(host: &str, private: bool) -> Target {
        Target {
            host: host.to_owned(),
            port: 80,
            tls: false,
            private,
        }
    }

    #[tokio::test]
    async fn a_name_that_stands_for_this_machine_is_not_connected_to() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let found = [listener.local_addr().unwrap()];
        let refused = connect_to(&target("pay.example", false), &found).await;
        let Err(Unconnected::Refused(refusal)) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(refusal, Refusal::Private(found[0].ip()));
        connect_to(&target("pay.example", true), &found)
            .await
            .unwrap();
        // Only the second has come.
        listener.accept().await.unwrap();
        let another = tokio::time::timeout(std::time::Duration::ZERO, listener.accept()).await;
        assert!(another.is_err());
    }

    #[tokio::test]
    async fn a_resolvers_own_forms_of_an_address_are_judged_by_what_they_stand_for() {
        for host in ["127.1", "2130706433", "0x7f.1", "localhost"] {
            let mut target = target(host, false);
            target.port = 9;
            let lookups = Lookups::new(Arc::new(Semaphore::new(1)));
            match connect(&target, &lookups).await {
                Err(Unconnected::Refused(Refusal::Private(address))) => {
                    assert!(address.is_loopback(), "{host}: {address}");
                }
                Err(other) => panic!("{host}: {other:?}"),
                Ok(_) => panic!("{host} was connected to"),
            }
        }
    }
}
