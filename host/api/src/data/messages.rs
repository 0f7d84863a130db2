//! `/v1/messages`: messages from producers.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use axum::body::Body;
use axum::extract::State as Extracted;
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;
use wasmill_model::limits::KEY_BYTES_MAX;
use wasmill_model::{DelayLevel, Name, When};
use wasmill_service::{AcceptError, Dedup, Incoming, Receipt};

use super::answers::{Always, Conflicting, OfBody};
use super::form::{json, parse_time, posted};
use super::{Operator, Routes, Shared};
use crate::Platform;
use crate::api::State;
use crate::error::Error;

/// Room for a body of the largest size in base64, or escaped.
pub(super) const REQUEST_BYTES_MAX: usize = 12 << 20;
/// How long a producer's id is remembered unless the request says otherwise.
const WINDOW: Duration = Duration::from_secs(24 * 3600);
/// As for the operator's own routes.
const WINDOW_MIN: Duration = Duration::from_secs(1);
const WINDOW_MAX: Duration = Duration::from_secs(30 * 24 * 3600);
/// The longest delay, 100 years with their leap days: a longer one is a slip of units.
const SPAN_MAX: Duration = Duration::from_secs(36_525 * 24 * 3600);

/// A message to be sent. Bytes are those of UTF-8.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OutgoingMessage, example = json!({
    "topic": "work", "key": "k", "body": "text", "id": "1", "window": "1h", "delay": "90s"
}))]
pub(super) struct Message {
    /// A topic that the routes declare.
    #[schema(min_length = 1, max_length = 127)]
    pub(super) topic: String,
    /// Order, state and partition: 1 to 256 bytes.
    #[schema(min_length = 1, max_length = 256)]
    key: Option<String>,
    /// What subscriptions may choose by: at most 127 bytes.
    #[schema(max_length = 127)]
    tag: Option<String>,
    /// Name and value of each, no name twice: 16 KiB together.
    #[serde(default)]
    #[schema(max_items = 128)]
    headers: Vec<(String, String)>,
    /// The body as text: at most 4 MiB.
    #[schema(max_length = 4194304)]
    body: Option<String>,
    /// The body as any bytes, in base64: instead of `body`.
    #[schema(max_length = 5592408)]
    body_base64: Option<String>,
    /// Your id of the message within its topic and key: the same again is taken in once.
    #[schema(min_length = 1, max_length = 256)]
    id: Option<String>,
    /// How long `id` is remembered, such as `1h`: from a second to 30 days, a day if not given.
    window: Option<String>,
    /// Deliver it so much later, such as `90s`: at most 100 years.
    delay: Option<String>,
    /// Deliver it at this time (RFC 3339): instead of `delay`, and as far away at most.
    deliver_at: Option<String>,
    /// Deliver it after this delay of RocketMQ's 18: instead of `delay`; 3 is 10 s.
    #[schema(minimum = 1, maximum = 18)]
    delay_level: Option<u64>,
    /// Only with `POST /v1/transactions`: where its producer is asked about it.
    pub(super) check_url: Option<String>,
}

/// A message that was taken in.
#[derive(Serialize, ToSchema)]
pub(super) struct Sent {
    /// Its id: 32 hexadecimal digits.
    #[schema(pattern = "^[0-9a-f]{32}$")]
    message: String,
    /// Whether it had been taken in before, under the same `id`.
    duplicate: bool,
    /// What recalls it while it waits for its time; none if it was delivered at once, or before.
    recall: Option<String>,
}

impl From<&Receipt> for Sent {
    fn from(receipt: &Receipt) -> Self {
        Self {
            message: receipt.message.to_string(),
            duplicate: receipt.duplicate,
            recall: receipt.delayed.map(|id| id.to_string()),
        }
    }
}

pub(super) fn routes<P: Platform + Operator>() -> Routes<P> {
    Routes::new().routes(routes!(send))
}

/// Take a message in. It is durable when the answer comes.
#[utoipa::path(post, path = "/v1/messages", tag = "messages", operation_id = "send_message",
    request_body = Message,
    responses((status = 202, description = "The message is durable.", body = Sent),
        Always, OfBody, Conflicting))]
async fn send<P: Platform + Operator>(
    Extracted(state): Shared<P>,
    request: Request<Body>,
) -> Result<Response, Error> {
    let receipt = take_in(&state, request, incoming).await?;
    Ok((StatusCode::ACCEPTED, json(&Sent::from(&receipt))).into_response())
}

/// Takes in what a request brings, as `understand` reads it.
pub(super) async fn take_in<P: Platform + Operator>(
    state: &State<P>,
    request: Request<Body>,
    understand: impl FnOnce(Message) -> Result<Incoming, Error>,
) -> Result<Receipt, Error> {
    let platform = state.platform()?;
    let _place = state.enter()?;
    let posted = posted(state, request, REQUEST_BYTES_MAX, "message").await?;
    let mut incoming = understand(posted.value)?;
    posted.trace.join(&mut incoming.headers);
    platform.accept(incoming).await.map_err(refused)
}

/// Here a topic that is not declared is the caller's slip.
pub(super) fn refused(error: AcceptError) -> Error {
    match error {
        AcceptError::UnknownTopic(_) => Error::bad("topic", error.to_string()),
        error => error.into(),
    }
}

pub(super) fn incoming(message: Message) -> Result<Incoming, Error> {
    if message.topic.is_empty() {
        return Err(Error::bad("topic", "a topic has at least one letter"));
    }
    if message.check_url.is_some() {
        return Err(Error::bad("check_url", "it is for transactions"));
    }
    let deliver = deliver(&message)?;
    let body = body(message.body, message.body_base64)?;
    let window = message
        .window
        .map(|text| span("window", &text))
        .transpose()?;
    if window.is_some() && message.id.is_none() {
        return Err(Error::bad(
            "window",
            "a window is for an `id`, and there is none",
        ));
    }
    if window.is_some_and(|window| !(WINDOW_MIN..=WINDOW_MAX).contains(&window)) {
        return Err(Error::bad("window", "a window is from 1 second to 30 days"));
    }
    if let Some(id) = &message.id
        && !(1..=KEY_BYTES_MAX).contains(&id.len())
    {
        let detail = format!("an id has 1 to {KEY_BYTES_MAX} bytes");
        return Err(Error::bad("id", detail));
    }
    let mut names = BTreeSet::new();
    for (name, _) in &message.headers {
        if name.is_empty() || !names.insert(name) {
            let detail = format!("the header `{name}` occurs twice, or has no name");
            return Err(Error::bad("headers", detail));
        }
    }
    let headers = message.headers.into_iter();
    Ok(Incoming {
        topic: message.topic.into(),
        key: message.key.map(Name::from),
        tag: message.tag.map(Name::from),
        headers: headers
            .map(|(name, value)| (name.into(), value.into()))
            .collect(),
        body,
        dedup: message.id.map(|id| Dedup {
            id,
            window: window.unwrap_or(WINDOW),
        }),
        deliver,
        half: None,
        wait_for: Vec::new(),
    })
}

fn body(text: Option<String>, base64: Option<String>) -> Result<Bytes, Error> {
    match (text, base64) {
        (Some(_), Some(_)) => Err(Error::bad("body", "it is either `body` or `body_base64`")),
        (text, None) => Ok(text.unwrap_or_default().into()),
        (None, Some(base64)) => {
            let bytes = BASE64.decode(base64);
            let bytes = bytes.map_err(|error| Error::bad("body_base64", error.to_string()))?;
            Ok(bytes.into())
        }
    }
}

fn deliver(message: &Message) -> Result<When, Error> {
    let (delay, at) = (message.delay.as_deref(), message.deliver_at.as_deref());
    match (delay, at, message.delay_level) {
        (None, None, None) => Ok(When::Now),
        (Some(delay), None, None) => {
            let delay = span("delay", delay)?.as_millis();
            Ok(When::After(u64::try_from(delay).unwrap_or(u64::MAX)))
        }
        (None, Some(text), None) => {
            let at = parse_time("deliver_at", text)?;
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            let delay = Duration::from_millis(at.0).saturating_sub(now.unwrap_or_default());
            bounded("deliver_at", text, delay)?;
            Ok(When::At(at))
        }
        (None, None, Some(number)) => {
            let level = DelayLevel::new(number);
            let level = level.map_err(|error| Error::bad("delay_level", error.to_string()))?;
            Ok(level.into())
        }
        _ => Err(Error::bad(
            "delay",
            "it is either `delay`, `deliver_at` or `delay_level`",
        )),
    }
}

pub(super) fn span(field: &str, text: &str) -> Result<Duration, Error> {
    let span = humantime::parse_duration(text)
        .map_err(|error| Error::bad(field, format!("`{text}` is no span of time: {error}")))?;
    bounded(field, text, span)
}

/// A span of time, or one to a point of time, that is no longer than the longest.
fn bounded(field: &str, text: &str, span: Duration) -> Result<Duration, Error> {
    match span <= SPAN_MAX {
        true => Ok(span),
        false => {
            let detail = format!("`{text}` is more than 100 years ahead");
            Err(Error::bad(field, detail))
        }
    }
}

#[cfg(test)]
mod tests {
    use wasmill_model::Millis;

    use super::*;

    fn read(text: &str) -> Result<Incoming, String> {
        let message = serde_json::from_str(text).map_err(|error| error.to_string())?;
        incoming(message).map_err(|error| format!("{error:?}"))
    }

    #[test]
    fn a_message_is_read_whole() {
        let text = r#"{"topic": "t", "key": "k", "tag": "g", "headers": [["a", "b"]],
            "body_base64": "/w==", "id": "i", "window": "1h", "delay": "1500ms"}"#;
        let incoming = read(text).unwrap();
        assert_eq!(
            (incoming.topic, incoming.key),
            ("t".into(), Some("k".into()))
        );
        assert_eq!(incoming.headers, [("a".into(), "b".into())]);
        assert_eq!(
            (&incoming.body[..], incoming.deliver),
            (&[255][..], When::After(1_500))
        );
        assert_eq!(incoming.dedup.unwrap().window, Duration::from_secs(3_600));
        let at = r#"{"topic": "t", "deliver_at": "1970-01-01T00:00:01.250Z"}"#;
        assert_eq!(read(at).unwrap().deliver, When::At(Millis(1_250)));
        let years = read(r#"{"topic": "t", "delay": "100y"}"#).unwrap();
        assert_eq!(years.deliver, When::After(36_525 * 24 * 3_600_000));
        let level = read(r#"{"topic": "t", "delay_level": 3}"#).unwrap();
        assert_eq!(level.deliver, When::After(10_000));
        assert_eq!(read(r#"{"topic": "t"}"#).unwrap().body, "");
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, said) in [
            (
                r#"{"topic": "t", "delay": "1s", "deliver_at": "x"}"#,
                "either",
            ),
            (
                r#"{"topic": "t", "delay": "1s", "delay_level": 1}"#,
                "either",
            ),
            (r#"{"topic": "t", "delay_level": 0}"#, "1 (1 second)"),
            (r#"{"topic": "t", "delay_level": 19}"#, "18 (2 hours)"),
            (r#"{"topic": "t", "body": "", "body_base64": ""}"#, "either"),
            (r#"{"topic": "t", "body_base64": "?"}"#, "body_base64"),
            (r#"{"topic": "t", "delay": "soon"}"#, "delay"),
            (
                r#"{"topic": "t", "delay": "101y"}"#,
                "`101y` is more than 100 years ahead",
            ),
            (
                r#"{"topic": "t", "deliver_at": "9999-12-31T23:59:59Z"}"#,
                "`9999-12-31T23:59:59Z` is more than 100 years ahead",
            ),
            (r#"{"topic": "t", "deliver_at": "tomorrow"}"#, "2027-01-31"),
            (r#"{"topic": "t", "window": "1s"}"#, "window"),
            (
                r#"{"topic": "t", "headers": [["a", "b"], ["a", "c"]]}"#,
                "`a` occurs twice",
            ),
            (r#"{"topic": "t", "headers": [["", "b"]]}"#, "no name"),
            (r#"{"topic": "t", "id": "i", "window": "0s"}"#, "window"),
            (r#"{"topic": "t", "id": "i", "window": "31d"}"#, "window"),
            (r#"{"topic": "t", "id": ""}"#, "1 to 256"),
            (r#"{"topic": "t", "dealy": "1s"}"#, "dealy"),
            (r#"{"topic": ""}"#, "at least one letter"),
            ("{}", "topic"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
