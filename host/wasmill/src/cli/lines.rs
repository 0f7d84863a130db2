//! `wasmill send TOPIC --lines FILE`: messages in batches, in their order.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use anyhow::{Context, anyhow, bail};
use http::Method;
use serde_json::{Value, json};

use super::outgoing::open;
use crate::app::{DataApi, Failure, Refusal, tell};

/// Messages of a batch, and about how many bytes: less than the data API takes.
const COUNT_MAX: usize = 1_000;
const BYTES_MAX: usize = 8 << 20;
/// The longest line: a body of the largest size, escaped.
const LINE_BYTES_MAX: u64 = 12 << 20;

/// Messages that were read and not sent yet, and the number of the first one's line.
#[derive(Default)]
struct Batch {
    messages: Vec<Value>,
    lines: Vec<usize>,
    bytes: usize,
}

/// Sends the messages of a file. Stops at the first one that is refused.
pub(super) fn send(api: &DataApi, topic: &str, path: &Path, json: bool) -> Result<(), Failure> {
    let mut reader = BufReader::new(open(path)?);
    let (mut batch, mut number, mut line) = (Batch::default(), 0, Vec::new());
    loop {
        line.clear();
        let read = (&mut reader)
            .take(LINE_BYTES_MAX + 1)
            .read_until(b'\n', &mut line);
        let read = read.with_context(|| format!("cannot read {}", path.display()))?;
        if read == 0 {
            break;
        }
        number += 1;
        if line.trim_ascii().is_empty() {
            continue;
        }
        if batch.messages.len() >= COUNT_MAX || batch.bytes + line.len() > BYTES_MAX {
            std::mem::take(&mut batch).send(api, json)?;
        }
        // What was read before is sent, whatever comes of this one.
        match message(&line, topic) {
            Ok(message) => batch.add(message, number, line.len()),
            Err(error) => {
                batch.send(api, json)?;
                return Err(Failure::config(error.context(format!("line {number}"))));
            }
        }
    }
    batch.send(api, json)
}

fn message(line: &[u8], topic: &str) -> anyhow::Result<Value> {
    if line.len() as u64 > LINE_BYTES_MAX {
        bail!("it is longer than {LINE_BYTES_MAX} bytes, which no message is");
    }
    let mut message: Value = serde_json::from_slice(line).context("it is no JSON")?;
    let parts = message.as_object_mut();
    let parts =
        parts.context("it is no message: expected an object such as {\"body\": \"text\"}")?;
    if parts.get("topic").is_some_and(|other| other != topic) {
        bail!("it names another topic than `{topic}`");
    }
    parts.insert("topic".to_owned(), topic.into());
    Ok(message)
}

impl Batch {
    fn add(&mut self, message: Value, line: usize, bytes: usize) {
        self.messages.push(message);
        self.lines.push(line);
        self.bytes += bytes;
    }

    /// Sends it, and tells of each message.
    fn send(self, api: &DataApi, json: bool) -> Result<(), Failure> {
        let Some(first) = self.lines.first() else {
            return Ok(());
        };
        let body = json!({"messages": self.messages});
        let answer = api.tell(Method::POST, "/v1/messages/batch", &body);
        let answer = answer.map_err(|failure| self.blame(failure, *first))?;
        let none = Vec::new();
        let results = answer["results"].as_array().unwrap_or(&none);
        let mut refused = None;
        for (result, line) in results.iter().zip(&self.lines) {
            match (json, result["message"].as_str()) {
                (true, _) => tell(result)?,
                (false, Some(id)) => tell(id)?,
                (false, None) => tell("-")?,
            }
            if let Some(detail) = result["detail"].as_str() {
                refused.get_or_insert_with(|| anyhow!("line {line} was refused: {detail}"));
            }
        }
        match refused {
            Some(cause) => Err(cause.context("not all messages were taken in").into()),
            None => Ok(()),
        }
    }

    /// Why the batch was not sent, by the line of the message that is wrong, if it is one.
    fn blame(&self, failure: Failure, first: usize) -> Failure {
        let wrong = failure.refusal().and_then(Refusal::in_batch);
        match wrong.and_then(|(index, what)| Some((self.lines.get(index)?, what))) {
            Some((line, what)) => Failure::config(anyhow!(
                "line {line}: {what}; nothing from line {first} on was sent"
            )),
            None => failure.during(format!("from line {first} on")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_message_of_the_topic() {
        let read = |text: &str| message(text.as_bytes(), "t").map_err(|error| format!("{error:#}"));
        assert_eq!(
            read(r#"{"key": "k"}"#),
            Ok(json!({"topic": "t", "key": "k"}))
        );
        assert_eq!(read(r#"{"topic": "t"}"#), Ok(json!({"topic": "t"})));
        for (wrong, said) in [
            (r#"{"topic": "u"}"#, "another topic"),
            ("[1]", "no message"),
            ("{", "no JSON"),
        ] {
            assert!(read(wrong).unwrap_err().contains(said), "{wrong}");
        }
    }
}
