//! Which hosts a plugin was granted.

use std::net::{IpAddr, Ipv6Addr};

use http::Uri;
use http::uri::{Authority, Scheme};

/// A granted host. Without a port it stands for the port of the request's scheme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct GrantedHost {
    name: String,
    port: Option<u16>,
    /// Whether it may stand for an address that is not public.
    private: bool,
}

/// Where a request goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// A name or an address; one of IPv6 is without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) tls: bool,
    /// Whether its address may be one that is not public.
    pub(super) private: bool,
}

impl GrantedHost {
    /// Reads `host` or `host:port`. An address stands for itself, and `localhost` for this machine;
    /// another name stands for public addresses only, unless it is `private`.
    pub(super) fn parse(text: &str, private: bool) -> Option<Self> {
        let authority: Authority = text.parse().ok()?;
        let name = authority.host().to_ascii_lowercase();
        let port = authority.port_u16();
        // An authority may also hold credentials, or a port that is no number.
        let plain = match port {
            Some(port) => format!("{name}:{port}"),
            None => name.clone(),
        };
        let own = address(&name).is_some() || name == "localhost";
        (!name.is_empty() && plain == text.to_ascii_lowercase()).then_some(Self {
            name,
            port,
            private: private || own,
        })
    }

    fn admits(&self, name: &str, port: u16, scheme_port: u16) -> bool {
        self.name == name && self.port.unwrap_or(scheme_port) == port
    }
}

/// Where `uri` leads if `granted` has it; none if it is not granted.
pub(super) fn target(granted: &[GrantedHost], uri: &Uri) -> Option<Target> {
    let tls = uri.scheme() == Some(&Scheme::HTTPS);
    let scheme_port = if tls { 443 } else { 80 };
    let asked = GrantedHost::parse(uri.authority()?.as_str(), false)?;
    let port = asked.port.unwrap_or(scheme_port);
    let found = granted
        .iter()
        .find(|granted| granted.admits(&asked.name, port, scheme_port))?;
    Some(Target {
        host: asked.name.trim_matches(['[', ']']).to_owned(),
        port,
        tls,
        private: found.private,
    })
}

/// The address that `host` is, as an authority has it.
fn address(host: &str) -> Option<IpAddr> {
    match host.strip_prefix('[') {
        Some(bracketed) => {
            let address: Ipv6Addr = bracketed.strip_suffix(']')?.parse().ok()?;
            Some(address.into())
        }
        None => host.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(granted: &str, uri: &str) -> Option<Target> {
        let granted = GrantedHost::parse(granted, false).unwrap();
        target(&[granted], &uri.parse().unwrap())
    }

    #[test]
    fn a_grant_is_for_one_host_and_one_port() {
        for (granted, uri) in [
            ("pay.example", "https://pay.example/charges"),
            ("pay.example", "http://PAY.example/"),
            ("127.0.0.1:18080", "http://127.0.0.1:18080/"),
            ("[::1]:80", "http://[::1]/"),
        ] {
            assert!(admits(granted, uri).is_some(), "{uri}");
        }
        for (granted, uri) in [
            ("pay.example", "https://pay.example:8443/"),
            ("127.0.0.1:18080", "http://127.0.0.1:18081/"),
            ("pay.example", "https://evil.example/"),
            ("pay.example", "https://pay.example.evil.example/"),
            ("pay.example", "https://pay.example@evil.example/"),
            ("pay.example", "https://user@pay.example/"),
            ("127.0.0.1", "http://127.1/"),
            ("127.0.0.1", "http://[::ffff:127.0.0.1]/"),
            ("127.0.0.1", "http://2130706433/"),
        ] {
            assert_eq!(admits(granted, uri), None, "{uri}");
        }
    }

    #[test]
    fn a_malformed_grant_is_none() {
        for text in ["http://pay.example", "user@pay.example", ""] {
            assert_eq!(GrantedHost::parse(text, false), None);
        }
    }

    #[test]
    fn only_what_was_granted_as_an_address_may_be_private() {
        for (host, private) in [
            ("127.0.0.1", true),
            ("[::1]", true),
            ("localhost", true),
            // Forms of an address that only resolvers know are names here.
            ("127.1", false),
            ("0x7f.0.0.1", false),
            ("2130706433", false),
            ("pay.example", false),
        ] {
            let found = admits(host, &format!("http://{host}/")).unwrap();
            assert_eq!(found.private, private, "{host}");
        }
        let granted = GrantedHost::parse("ledger.internal", true).unwrap();
        let uri = "https://ledger.internal".parse().unwrap();
        let found = target(&[granted], &uri).unwrap();
        assert_eq!((found.private, found.port, found.tls), (true, 443, true));
    }
}
