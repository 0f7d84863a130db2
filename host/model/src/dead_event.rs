//! The event that tells of a dead letter, on a topic of the host's own.

use std::sync::Arc;

use serde::Serialize;

use crate::record::DeadLetter;
use crate::{Message, MessageId, Name};

/// Where the events go. Nobody else can send there, and only a subscription to just this topic
/// receives them.
pub const TOPIC: &str = "$dead";

/// The event's body.
#[derive(Serialize)]
struct Body<'a> {
    id: &'a str,
    subscription: &'a str,
    key: Option<&'a str>,
    cause: &'a str,
    attempts: u32,
    at: u64,
    message: String,
    topic: &'a str,
    correlation: String,
}

/// The event of a dead letter, whose name for operators is `letter_id`. It has the letter's key, its
/// subscription as tag and header, and its topic as header.
#[must_use]
pub fn dead_event(letter: &DeadLetter, letter_id: &str, id: MessageId) -> Arc<Message> {
    let lost = &letter.message;
    let body = Body {
        id: letter_id,
        subscription: &letter.subscription,
        key: letter.key.as_deref(),
        cause: &letter.cause,
        attempts: letter.attempts,
        at: letter.at.0,
        message: lost.id.to_string(),
        topic: &lost.topic,
        correlation: lost.correlation.to_string(),
    };
    let header = |name: &str, value: &Name| (Name::from(name), value.clone());
    Arc::new(Message {
        id,
        topic: TOPIC.into(),
        key: letter.key.clone(),
        tag: Some(letter.subscription.clone()),
        headers: vec![
            header("subscription", &letter.subscription),
            header("topic", &lost.topic),
        ],
        body: serde_json::to_vec(&body)
            .expect("texts and numbers are JSON")
            .into(),
        produced_at: letter.at,
        correlation: lost.correlation,
        causation: Some(lost.id),
        timer: None,
    })
}
