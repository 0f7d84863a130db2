//! Asks producers about half messages: a POST to their `check_url`.
//!
//! The request has the message as JSON; the answer is `{"decision": "commit"}`, `"rollback"` or
//! `"unknown"`. Each question has a connection of its own, no redirect is followed, and what takes
//! too long, or is too large, decides nothing.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;
use wasmill_model::{Decision, Half, Message};
use wasmill_port::check_back::{Asking, CheckBack};

/// How long a question may take.
const TIME_MAX: Duration = Duration::from_secs(10);
/// Largest answer.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// Asks over HTTP.
#[derive(Clone, Copy, Debug, Default)]
pub struct HttpCheckBack;

/// What a producer is told.
#[derive(Serialize)]
struct Question<'a> {
    message: String,
    topic: &'a str,
    key: Option<&'a str>,
    tag: Option<&'a str>,
    headers: &'a [(wasmill_model::Name, wasmill_model::Name)],
    prepared_at: u64,
    checks: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    decision: Said,
    cause: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Said {
    Commit,
    Rollback,
    Unknown,
}

impl CheckBack for HttpCheckBack {
    fn ask<'a>(&'a self, url: &'a str, half: &'a Half) -> Asking<'a> {
        Box::pin(async move {
            let asked = tokio::time::timeout(TIME_MAX, ask(url, half)).await;
            let answer = asked.unwrap_or_else(|_| {
                let seconds = TIME_MAX.as_secs();
                Err(format!("no answer within {seconds} s"))
            });
            answer
                .and_then(|answer| match answer.decision {
                    Said::Commit => Ok(Decision::Commit),
                    Said::Rollback => Ok(Decision::RollBack),
                    Said::Unknown => Err(answer.cause.unwrap_or_else(|| "unknown".to_owned())),
                })
                .map_err(|cause| format!("{url}: {cause}"))
        })
    }
}

async fn ask(url: &str, half: &Half) -> Result<Answer, String> {
    let uri: hyper::Uri = url.parse().map_err(text)?;
    let authority = uri.authority().ok_or("it names no host")?.as_str();
    let path = uri.path_and_query().map_or("/", |it| it.as_str());
    let request = Request::post(path)
        .header(header::HOST, authority)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, "application/json")
        .body(Full::new(question(half)))
        .map_err(text)?;
    let stream = TcpStream::connect(authority).await.map_err(text)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(text)?;
    // It ends with the answer, since the sender is dropped then.
    let connection = tokio::spawn(connection);
    let response = sender.send_request(request).await.map_err(text)?;
    let status = response.status();
    let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX);
    let body = body.collect().await.map_err(|error| error.to_string())?;
    connection.abort();
    if status != StatusCode::OK {
        return Err(format!("it answered with {status}"));
    }
    wasmill_json::read(&body.to_bytes())
        .map_err(|error| format!("its answer cannot be read: {error}"))
}

fn question(half: &Half) -> Bytes {
    let Message {
        id,
        topic,
        key,
        tag,
        headers,
        body,
        ..
    } = &*half.message;
    let (body, body_base64) = crate::data::as_text(body);
    let question = Question {
        message: id.to_string(),
        topic,
        key: key.as_deref(),
        tag: tag.as_deref(),
        headers,
        prepared_at: half.prepared_at.0,
        checks: half.checks,
        body,
        body_base64,
    };
    serde_json::to_vec(&question)
        .expect("texts and numbers are JSON")
        .into()
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
