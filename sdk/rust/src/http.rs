//! Outgoing HTTP, to hosts that the operator granted.

use std::fmt::{self, Display};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::message::value_of;
use crate::{Failure, Host, json, retry};

/// How long to wait unless a request says otherwise: half of a handler's usual deadline.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A host that grants outgoing HTTP. What is asked is outside of the commit: a handler that is run
/// again asks again, so give requests that change something an [idempotency key].
///
/// [idempotency key]: Request::with_idempotency_key
pub trait Http: Host {
    /// Asks, and waits for the whole answer, whatever its status.
    ///
    /// # Errors
    /// Why there is no answer.
    fn fetch(&mut self, request: Request) -> Result<Answer, Error>;
}

/// The largest answer that is read, unless a request says otherwise.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// An outgoing request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// In upper case.
    pub method: String,
    /// `http://` or `https://`, then host, port, path and query.
    pub url: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// Empty for none.
    pub body: Vec<u8>,
    /// How long to wait for the connection, and for the answer to begin; 5 s if nothing else is
    /// said. The handler's own deadline stands besides.
    pub timeout: Duration,
    /// The largest body of an answer, in bytes; 1 MiB if nothing else is said. One that is larger is
    /// an error. The grant's own bound stands besides.
    pub answer_bytes_max: usize,
}

impl Request {
    /// A request without a body.
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            method: method.into(),
            url: url.into(),
            headers: Vec::new(),
            body: Vec::new(),
            timeout: TIMEOUT,
            answer_bytes_max: ANSWER_BYTES_MAX,
        }
    }

    /// A GET that wants JSON.
    pub fn get(url: impl Into<String>) -> Self {
        Self::new("GET", url).with_header("accept", "application/json")
    }

    /// A POST of JSON that wants JSON.
    ///
    /// # Errors
    /// A failure to retry if `body` has no representation in JSON.
    pub fn post(url: impl Into<String>, body: &(impl Serialize + ?Sized)) -> Result<Self, Failure> {
        let body = serde_json::to_vec(body)?;
        let request = Self::new("POST", url)
            .with_header("accept", "application/json")
            .with_header("content-type", "application/json");
        Ok(Self { body, ..request })
    }

    /// With one more header.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Lets the receiver recognise a repeated request.
    #[must_use]
    pub fn with_idempotency_key(self, key: impl Into<String>) -> Self {
        self.with_header("idempotency-key", key)
    }

    /// Waits no longer than that.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Takes an answer of up to so many bytes.
    #[must_use]
    pub fn with_answer_bytes_max(mut self, bytes: usize) -> Self {
        self.answer_bytes_max = bytes;
        self
    }

    /// The value of a header, by the name that it was given.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        value_of(&self.headers, name)
    }
}

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
}

impl Answer {
    /// An answer without headers, for tests.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.into(),
        }
    }

    /// Whether the status is from 200 to 299.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body, as JSON.
    ///
    /// # Errors
    /// A failure to retry that names what is missing or wrong: it came from elsewhere, and may be
    /// right the next time.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        json::read(&self.body)
            .map_err(|unreadable| retry(format!("the answer cannot be read: {unreadable}")))
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(String);

impl Error {
    /// An error in these words.
    pub fn new(cause: impl Display) -> Self {
        Self(cause.to_string())
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}
