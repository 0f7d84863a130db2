//! `wasmill trace CORRELATION`: the story of a flow, as a tree.

use clap::Args;
use http::Method;

use super::listing::Output;
use super::story::{Log, Trace};
use crate::app::{DataApi, Failure, encoded, query, tell};

/// Options of `wasmill trace`.
#[derive(Debug, Args)]
pub(super) struct TraceFlow {
    #[command(flatten)]
    api: DataApi,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    output: Output,
}

/// One flow, or those of a key.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// The correlation id: the id of the message that began the flow
    correlation: Option<String>,
    /// All flows with a message of this key, such as the id of an order
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
}

impl TraceFlow {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { api, which, output } = self;
        let path = match &which.correlation {
            Some(correlation) => format!("/v1/traces/{}", encoded(correlation)),
            None => format!("/v1/traces{}", query(&[("key", which.key.as_deref())])),
        };
        output.show(api.ask(Method::GET, &path)?, print)
    }
}

fn print(Trace { messages, log }: Trace) -> Result<(), Failure> {
    let first = messages.iter().find_map(|branch| branch.events.first());
    let began = first.map(|event| event.at);
    let mut flow = None;
    for branch in &messages {
        let correlation = &branch.message.correlation;
        if flow.replace(correlation) != Some(correlation) {
            tell(format_args!("flow {correlation}"))?;
        }
        for line in branch.lines(began) {
            tell(line)?;
        }
    }
    tell_of(&log)
}

/// What could not be told, if anything.
pub(super) fn tell_of(log: &Log) -> Result<(), Failure> {
    for line in log.lines() {
        tell(line)?;
    }
    Ok(())
}
