//! Who may use the data API: whoever has the token; without one, whoever is on this machine.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use crate::error::Error;

/// Fewest bytes of a token: fewer could be guessed.
const TOKEN_BYTES_MIN: usize = 16;

/// What is asked of whoever uses the data API.
#[derive(Clone, Debug)]
pub enum Access {
    /// Nothing, on a loopback address: but no request of a page in a browser.
    Local,
    /// A token, as `Authorization: Bearer TOKEN` (RFC 6750).
    Bearer(Token),
}

/// A secret that those who may use the data API know. Only its hash is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token([u8; 32]);

impl Token {
    /// The token of a text; none if it is too short or cannot be sent in a header.
    ///
    /// # Errors
    /// A text that says what it must be.
    pub fn new(text: &str) -> Result<Self, String> {
        let is_sendable = text.bytes().all(|byte| byte.is_ascii_graphic());
        match text.len() >= TOKEN_BYTES_MIN && is_sendable {
            true => Ok(Self::hash(text.as_bytes())),
            false => Err(format!(
                "a token has at least {TOKEN_BYTES_MIN} visible ASCII characters and no spaces"
            )),
        }
    }

    // Of hashes it does not matter that comparing them takes longer the more of them is equal.
    fn hash(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

/// Lets a request through, or refuses it.
pub(super) async fn check(
    State(access): State<Arc<Access>>,
    request: Request,
    next: Next,
) -> Response {
    match access.admits(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

impl Access {
    fn admits(&self, headers: &HeaderMap) -> Result<(), Error> {
        match self {
            // Browsers send pages' requests to this machine as well, and say where from.
            Self::Local if headers.contains_key(header::ORIGIN) || !names_this_machine(headers) => {
                Err(Error::Forbidden(
                    "without a token, the data API serves tools on this machine only: under a \
                     loopback address or `localhost`, and no web pages",
                ))
            }
            Self::Local => Ok(()),
            Self::Bearer(token) => {
                let given = headers.get(header::AUTHORIZATION);
                let given = given.and_then(|it| it.as_bytes().strip_prefix(b"Bearer "));
                match given.map(Token::hash) {
                    Some(given) if given == *token => Ok(()),
                    _ => Err(Error::Unauthorized),
                }
            }
        }
    }
}

/// Whether a request was meant for this machine. A page in a browser may have been told that its
/// own server's name is a loopback address, and then sends no `Origin`.
fn names_this_machine(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|it| it.to_str().ok());
    let Some(authority) = host.and_then(|it| it.parse::<Authority>().ok()) else {
        return false;
    };
    let host = authority.host();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let is_loopback = |address: IpAddr| address.is_loopback();
    host.eq_ignore_ascii_case("localhost") || address.parse().is_ok_and(is_loopback)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn the_token_and_nothing_else_lets_in() {
        let access = Access::Bearer(Token::new("0123456789abcdef").unwrap());
        let bearer = |token| access.admits(&with(header::AUTHORIZATION, token)).is_ok();
        assert!(bearer("Bearer 0123456789abcdef"));
        assert!(!bearer("Bearer 0123456789abcde"));
        assert!(!bearer("0123456789abcdef"));
        assert!(access.admits(&HeaderMap::new()).is_err());
        assert!(Token::new("short").is_err() && Token::new("0123456789 abcdef").is_err());
    }

    #[test]
    fn without_a_token_web_pages_are_refused() {
        for host in [
            "127.0.0.1:8081",
            "localhost",
            "LocalHost:1",
            "[::1]:8081",
            "127.9.9.9",
        ] {
            let mut headers = with(header::HOST, host);
            assert!(Access::Local.admits(&headers).is_ok(), "{host}");
            let page = "https://example.com".parse().unwrap();
            headers.insert(header::ORIGIN, page);
            assert!(Access::Local.admits(&headers).is_err(), "{host}");
        }
        for host in ["example.com:8081", "127.0.0.1.example.com", "10.0.0.1", ""] {
            let headers = with(header::HOST, host);
            assert!(Access::Local.admits(&headers).is_err(), "{host}");
        }
        assert!(Access::Local.admits(&HeaderMap::new()).is_err());
    }
}
