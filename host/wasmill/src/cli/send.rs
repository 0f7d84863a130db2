//! `wasmill send TOPIC`: a message from the command line, or many from a file.

use std::path::PathBuf;

use clap::Args;
use http::Method;

use super::lines;
use super::outgoing::Outgoing;
use crate::app::{DataApi, Failure, tell};

/// Options of `wasmill send`.
#[derive(Debug, Args)]
pub(super) struct Send {
    #[command(flatten)]
    api: DataApi,
    /// The topic
    topic: String,
    #[command(flatten)]
    message: Outgoing,
    /// A file with a message a line, as the data API's JSON objects without the topic; `-` is stdin
    #[arg(long, value_name = "FILE")]
    #[arg(conflicts_with_all = [
        "key", "tag", "headers", "body", "body_file", "id", "window", "delay", "at", "delay_level",
    ])]
    lines: Option<PathBuf>,
    /// Print the host's JSON
    #[arg(long)]
    json: bool,
}

impl Send {
    pub(super) fn run(self) -> Result<(), Failure> {
        if let Some(path) = &self.lines {
            return lines::send(&self.api, &self.topic, path, self.json);
        }
        let message = self.message.message(&self.topic)?;
        let answer = self.api.tell(Method::POST, "/v1/messages", &message)?;
        if self.json {
            return tell(format_args!("{answer:#}"));
        }
        let id = answer["message"].as_str().unwrap_or_default();
        match (answer["duplicate"].as_bool(), answer["recall"].as_str()) {
            (Some(true), _) => tell(format_args!("{id} was sent before under this id")),
            (_, Some(recall)) => tell(format_args!("{id} waits; recall it as {recall}")),
            _ => tell(id),
        }
    }
}
