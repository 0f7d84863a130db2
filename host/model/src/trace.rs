//! Trace context: which trace of the world outside a message belongs to, by the headers of the
//! W3C recommendation of that name. They travel with every message that comes of one.
//!
//! Spans are not drawn but derived: what is done for a message is the span of its id.

use crate::limits::HEADERS_COUNT_MAX;
use crate::{Message, MessageId, Name};

/// The trace, and the span that sent the message.
pub const PARENT: &str = "traceparent";
/// What the tracing systems on the way add; opaque.
pub const STATE: &str = "tracestate";

/// Whether a text is a `traceparent` of version 00.
#[must_use]
pub fn is_parent(text: &str) -> bool {
    let mut parts = text.split('-');
    let mut hex = |digits: usize| {
        parts.next().is_some_and(|part| {
            let lower = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
            part.len() == digits && part.bytes().all(lower)
        })
    };
    let whole = hex(2) && hex(32) && hex(16) && hex(2);
    let known = text.starts_with("00-") && text.len() == 55;
    let zero = |range| {
        text.get(range)
            .is_none_or(|it: &str| it.bytes().all(|byte| byte == b'0'))
    };
    whole && known && !zero(3..35) && !zero(36..52)
}

/// The `traceparent` of what is done for a message; none if the message is in no trace.
#[must_use]
pub fn of_handling(message: &Message) -> Option<String> {
    let parent = message.header(PARENT)?;
    is_parent(parent).then(|| {
        let (trace, flags) = (&parent[..35], &parent[52..]);
        format!("{trace}-{:016x}{flags}", span(message.id))
    })
}

/// Joins what is sent while `cause` is handled to its trace, unless the sender says otherwise.
pub fn carry_on(headers: &mut Vec<(Name, Name)>, cause: &Message) {
    if cause.headers.is_empty() || headers.iter().any(|(name, _)| name == PARENT) {
        return;
    }
    let Some(parent) = of_handling(cause) else {
        return;
    };
    let state = cause.header(STATE).map(|state| (STATE, Name::from(state)));
    let joined = [Some((PARENT, Name::from(parent))), state];
    for (name, value) in joined.into_iter().flatten() {
        if headers.len() < HEADERS_COUNT_MAX {
            headers.push((name.into(), value));
        }
    }
}

/// No span is zero.
fn span(id: MessageId) -> u64 {
    u64::try_from(id.0 & u128::from(u64::MAX)).map_or(1, |low| low.max(1))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::Millis;

    const ONE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn message(headers: &[(&str, &str)]) -> Message {
        Message {
            id: MessageId(0xabc),
            topic: "t".into(),
            key: None,
            tag: None,
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).into(), (*value).into()))
                .collect(),
            body: Bytes::new(),
            produced_at: Millis(0),
            correlation: MessageId(1),
            causation: None,
            timer: None,
        }
    }

    #[test]
    fn only_what_the_recommendation_says_is_a_trace_parent() {
        assert!(is_parent(ONE));
        for text in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
            "00-4bf92f3577b34da6a3ce929d0e0e473é-00f067aa0ba902b7-01",
        ] {
            assert!(!is_parent(text), "{text}");
        }
    }

    #[test]
    fn what_is_sent_joins_the_trace_of_its_cause_unless_it_has_its_own() {
        let cause = message(&[(PARENT, ONE), (STATE, "a=b")]);
        let mut headers = Vec::new();
        carry_on(&mut headers, &cause);
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000abc-01";
        let expected = [(PARENT.into(), parent.into()), (STATE.into(), "a=b".into())];
        assert_eq!(headers, expected);
        assert!(is_parent(parent));

        let mut own = vec![(PARENT.into(), ONE.into())];
        carry_on(&mut own, &cause);
        assert_eq!(own, [(PARENT.into(), ONE.into())]);
        for none in [message(&[]), message(&[(PARENT, "nonsense")])] {
            let mut headers = Vec::new();
            carry_on(&mut headers, &none);
            assert!(headers.is_empty());
        }
    }
}
