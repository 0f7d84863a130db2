//! A message, as commands that send one are told of it.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use clap::Args;
use serde_json::{Value, json};
use wasmill_model::limits::{BODY_BYTES_MAX, within};

use crate::app::Failure;

/// The parts of a message but its topic.
#[derive(Debug, Args)]
pub(super) struct Outgoing {
    /// The key: order, state and partition
    #[arg(long)]
    key: Option<String>,
    /// The tag that subscriptions may choose by
    #[arg(long)]
    tag: Option<String>,
    /// A header; may be repeated
    #[arg(long = "header", value_name = "NAME=VALUE", value_parser = header)]
    headers: Vec<(String, String)>,
    /// The body
    #[arg(long, value_name = "TEXT", conflicts_with = "body_file")]
    body: Option<String>,
    /// A file with the body; `-` is stdin
    #[arg(long, value_name = "FILE")]
    body_file: Option<PathBuf>,
    /// Your id of the message: the same again is taken in once
    #[arg(long)]
    id: Option<String>,
    /// How long the id is remembered, such as `1h`; a day if not given
    #[arg(long, value_name = "SPAN", requires = "id")]
    window: Option<String>,
    /// Deliver it so much later, such as `90s`
    #[arg(long, value_name = "SPAN", conflicts_with = "at")]
    delay: Option<String>,
    /// Deliver it at this time, such as `2027-01-31T08:00:00Z`
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// Deliver it after one of RocketMQ's 18 delay levels, such as 3 for 10 seconds
    #[arg(long, value_name = "LEVEL", conflicts_with_all = ["delay", "at"])]
    delay_level: Option<u64>,
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

impl Outgoing {
    /// The message as the data API takes it.
    pub(super) fn message(&self, topic: &str) -> Result<Value, Failure> {
        let body = self.body()?;
        Ok(json!({
            "topic": topic,
            "key": self.key,
            "tag": self.tag,
            "headers": self.headers,
            "body_base64": BASE64.encode(body),
            "id": self.id,
            "window": self.window,
            "delay": self.delay,
            "deliver_at": self.at,
            "delay_level": self.delay_level,
        }))
    }

    fn body(&self) -> Result<Vec<u8>, Failure> {
        let Some(path) = &self.body_file else {
            return Ok(self.body.clone().unwrap_or_default().into_bytes());
        };
        let subject = || format!("cannot read {}", path.display());
        let mut body = Vec::new();
        let mut file = open(path)?.take(BODY_BYTES_MAX as u64 + 1);
        file.read_to_end(&mut body).with_context(subject)?;
        let fits = within("body bytes", body.len(), BODY_BYTES_MAX).with_context(subject);
        fits.map_err(Failure::config)?;
        Ok(body)
    }
}

/// A file, or stdin for `-`.
pub(super) fn open(path: &Path) -> Result<Box<dyn Read>, Failure> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(std::io::stdin()));
    }
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()));
    Ok(Box::new(file.map_err(Failure::config)?))
}
