//! The neighbour that behaves: one key, one message after the other, and a state that must count each
//! of them once.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use bytes::Bytes;
use hyper::Method;
use testkit::client::Client;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// It counts its messages in its state, and answers with the count.
pub(super) const GUEST: &str = "portable";

pub(super) const ROUTES: &str = r#"
[subscriptions.steady]
topic = "steady"
plugin = "portable"

[[ingress]]
method = "POST"
path = "/steady/{key}"
topic = "steady"
key = "path:key"
wait_for = ["counted"]
"#;

/// Messages to the neighbour, until it is told to stop.
pub(super) struct Steady {
    stop: watch::Sender<bool>,
    task: JoinHandle<Result<(u64, Duration)>>,
}

impl Steady {
    /// Begins once the first message was handled.
    pub(super) async fn start(client: Client) -> Result<Self> {
        one(&client, 1).await?;
        let (stop, mut stopped) = watch::channel(false);
        let task = tokio::spawn(async move {
            let (mut count, mut slowest) = (1, Duration::ZERO);
            while !*stopped.borrow_and_update() {
                count += 1;
                let begun = Instant::now();
                one(&client, count).await?;
                slowest = slowest.max(begun.elapsed());
            }
            Ok((count, slowest))
        });
        Ok(Self { stop, task })
    }

    /// How many were handled, and how long the slowest took.
    pub(super) async fn stop(self) -> Result<(u64, Duration)> {
        let _ = self.stop.send(true);
        self.task.await?
    }
}

/// Sends a message, which must be the `nth` that the key's state has seen.
async fn one(client: &Client, nth: u64) -> Result<()> {
    let body = Bytes::from_static(b"x");
    let reply = client
        .send(Method::POST, "/steady/key?wait=60s", body)
        .await?;
    let reply = reply.success()?;
    ensure!(
        reply.body == nth.to_string(),
        "the {nth}th was answered with {reply}"
    );
    Ok(())
}
