//! What is remembered of a request's body: enough to tell it from another one.

use std::fmt;

use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use http_body_util::BodyExt;
use sha2::{Digest, Sha256};
use wasmtime_wasi_http::WasiBody;

use super::watched::Passing;

/// Digits of a hash that are shown.
const DIGITS: usize = 12;

/// The length and the hash of what was sent so far.
#[derive(Clone, Debug)]
pub(super) struct Content {
    bytes: u64,
    hash: Sha256,
    /// How many bytes the head of the request announces.
    announced: Option<u64>,
    ended: bool,
}

impl Content {
    /// Of a request with this head, of which nothing was sent yet.
    pub(super) fn new(headers: &HeaderMap) -> Self {
        let announced = headers.get(CONTENT_LENGTH);
        let announced = announced.and_then(|length| length.to_str().ok()?.parse().ok());
        Self {
            bytes: 0,
            hash: Sha256::new(),
            announced,
            ended: false,
        }
    }

    /// Adds what passes.
    pub(super) fn add(&mut self, passing: Passing<'_>) {
        match passing {
            Passing::Data(data) => {
                self.bytes += data.len() as u64;
                self.hash.update(data);
            }
            Passing::End => self.ended = true,
        }
    }

    /// Reads a body to its end, or to where it fails. Like a server, it asks for no more than the head
    /// announces: a guest may end the body only once it has the answer.
    pub(super) async fn drain(&mut self, mut body: WasiBody) {
        while !self.is_whole() {
            match body.frame().await {
                Some(Ok(frame)) => {
                    if let Some(data) = frame.data_ref() {
                        self.add(Passing::Data(data));
                    }
                }
                Some(Err(_)) => return,
                None => return self.add(Passing::End),
            }
        }
    }

    /// Whether all of it was sent: nobody asks a body for more than the head announces.
    fn is_whole(&self) -> bool {
        self.ended || self.announced == Some(self.bytes)
    }

    /// Whether two are known to differ: one that was not sent to its end may be the same.
    pub(super) fn differs(&self, other: &Self) -> bool {
        self.is_whole() && other.is_whole() && self.hash() != other.hash()
    }

    fn hash(&self) -> String {
        hex::encode(self.hash.clone().finalize())
    }
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bytes, .. } = self;
        match bytes {
            0 => f.write_str("no body"),
            _ => write!(f, "{bytes} bytes, SHA-256 {}", &self.hash()[..DIGITS]),
        }
    }
}
