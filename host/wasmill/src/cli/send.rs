//! `wasmill send TOPIC`: a message from the command line, or many from a file.

use std::path::PathBuf;

use anyhow::anyhow;
use clap::Args;
use http::Method;
use serde::Deserialize;
use wasmill_routes::did_you_mean;

use super::lines;
use super::outgoing::Outgoing;
use crate::app::{DataApi, Failure, tell, understood};

/// Topics among which one is looked for that was meant.
const TOPICS_MAX: usize = 1_000;

/// Those of the routes.
#[derive(Deserialize)]
struct Topics {
    topics: Vec<Topic>,
}

#[derive(Deserialize)]
struct Topic {
    name: String,
}

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
        let answer = self.api.tell(Method::POST, "/v1/messages", &message);
        let answer = answer.map_err(|failure| self.with_hint(failure))?;
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

    /// A topic that the routes do not declare is told with the nearest one that they do.
    fn with_hint(&self, failure: Failure) -> Failure {
        let Some(refusal) = failure.refusal().filter(|it| it.is_of("topic")) else {
            return failure;
        };
        let Ok(Topics { topics }) = self.declared() else {
            return failure;
        };
        let names = topics.iter().map(|it| it.name.as_str());
        let hint = did_you_mean(&self.topic, names);
        Failure::config(anyhow!("{refusal}{hint}"))
    }

    fn declared(&self) -> Result<Topics, Failure> {
        let path = format!("/v1/topics?limit={TOPICS_MAX}");
        understood(self.api.ask(Method::GET, &path)?)
    }
}
