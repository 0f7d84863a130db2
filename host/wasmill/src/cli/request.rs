//! `wasmill request TOPIC`: a message, and the reply to it.

use anyhow::anyhow;
use clap::Args;
use http::Method;
use serde_json::json;

use super::outgoing::Outgoing;
use crate::app::{DataApi, Failure, tell};

/// Options of `wasmill request`.
#[derive(Debug, Args)]
pub(super) struct Request {
    #[command(flatten)]
    api: DataApi,
    /// The topic
    topic: String,
    /// A topic of which the first message of the same flow is the reply; may be repeated
    #[arg(long = "reply-on", value_name = "TOPIC", required = true)]
    reply_on: Vec<String>,
    /// How long to wait for it, at most a minute
    #[arg(long, value_name = "SPAN", default_value = "10s")]
    wait: String,
    #[command(flatten)]
    message: Outgoing,
    /// Print the host's JSON
    #[arg(long)]
    json: bool,
}

impl Request {
    pub(super) fn run(self) -> Result<(), Failure> {
        let message = self.message.message(&self.topic)?;
        let asked = json!({"message": message, "reply_on": self.reply_on, "wait": self.wait});
        let answer = self.api.tell(Method::POST, "/v1/request", &asked)?;
        let reply = &answer["reply"];
        if reply.is_null() {
            return Err(Failure::from(anyhow!(
                "no reply within {}: message {} is durable, and its flow goes on",
                self.wait,
                answer["message"].as_str().unwrap_or_default()
            )));
        }
        match reply["body"].as_str() {
            Some(body) if !self.json => tell(body),
            // A body that is no text is shown in base64.
            _ => tell(format_args!("{answer:#}")),
        }
    }
}
