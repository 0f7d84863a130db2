//! Messages and times, as answers show them.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;
use utoipa::ToSchema;
use wasmill_model::{Message, Millis, Name};
use wasmill_service::ForetoldMessage;

/// A message, as it is shown.
#[derive(Serialize, ToSchema)]
#[schema(as = Message)]
pub(super) struct ShownMessage {
    id: String,
    #[schema(value_type = String)]
    topic: Name,
    #[schema(value_type = Option<String>)]
    key: Option<Name>,
    #[schema(value_type = Option<String>)]
    tag: Option<Name>,
    /// Name and value of each.
    #[schema(value_type = Vec<(String, String)>)]
    headers: Vec<(Name, Name)>,
    #[schema(format = DateTime)]
    produced_at: String,
    /// The id of the message that began its flow.
    correlation: String,
    /// The id of the message whose handler sent it.
    causation: Option<String>,
    body_bytes: usize,
    /// The body, if it is text and was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    body: Option<String>,
    /// The body in base64, if it is no text and was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    body_base64: Option<String>,
    /// The SHA-256 of the whole body, if only its beginning is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    body_sha256: Option<String>,
}

impl ShownMessage {
    /// A message that was kept without its body, which has so many bytes.
    pub(super) fn bare(message: &Message, body_bytes: usize) -> Self {
        Self {
            body_bytes,
            ..show_message(message, false)
        }
    }

    /// A message that would be sent.
    pub(super) fn foretold(ForetoldMessage { head, body }: ForetoldMessage) -> Self {
        let (text, base64) = as_text(&body.shown);
        Self {
            body: text,
            body_base64: base64,
            body_sha256: body.sha256,
            ..Self::bare(&head, body.bytes)
        }
    }
}

pub(super) fn show_message(message: &Message, whole: bool) -> ShownMessage {
    let (body, body_base64) = match whole {
        true => as_text(&message.body),
        false => (None, None),
    };
    ShownMessage {
        id: message.id.to_string(),
        topic: message.topic.clone(),
        key: message.key.clone(),
        tag: message.tag.clone(),
        headers: message.sent_headers().to_vec(),
        produced_at: time(message.produced_at),
        correlation: message.correlation.to_string(),
        causation: message.causation.map(|id| id.to_string()),
        body_bytes: message.body.len(),
        body,
        body_base64,
        body_sha256: None,
    }
}

/// The end of the year 9999, beyond which RFC 3339 does not go.
const TIME_MAX: Millis = Millis(253_402_300_799_999);

/// As RFC 3339 has it.
pub(super) fn time(at: Millis) -> String {
    let at = SystemTime::UNIX_EPOCH + Duration::from_millis(at.min(TIME_MAX).0);
    humantime::format_rfc3339_millis(at).to_string()
}

/// A body as text if it is UTF-8, or else in base64.
pub(crate) fn as_text(body: &[u8]) -> (Option<String>, Option<String>) {
    match str::from_utf8(body) {
        Ok(text) => (Some(text.to_owned()), None),
        Err(_) => (None, Some(BASE64.encode(body))),
    }
}
