//! The neighbour that behaves: one key, one message after the other, and a state that must count each
//! of them once.

use anyhow::{Result, ensure};
use bytes::Bytes;
use hyper::Method;
use testkit::client::Client;
use testkit::metrics;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// It counts its messages in its state, and answers with the count.
pub(super) const GUEST: &str = "portable";

/// The counter of calls that failed, each of a hostile plugin whose message is given up for it.
const GIVEN_UP: &str = "messages_failed_total";

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
    task: JoinHandle<Result<Went>>,
}

/// How it went for the neighbour.
pub(super) struct Went {
    /// How many of its messages were handled.
    pub(super) handled: u64,
    /// Most hostile plugins whose messages were given up while it waited for one of its own.
    pub(super) overtaken_max: f64,
}

impl Steady {
    /// Begins once the first message was handled.
    pub(super) async fn start(client: Client) -> Result<Self> {
        one(&client, 1).await?;
        let (stop, mut stopped) = watch::channel(false);
        let task = tokio::spawn(async move {
            let (mut handled, mut overtaken_max) = (1, 0.0);
            let mut before = metrics::read(&client, GIVEN_UP).await?;
            while !*stopped.borrow_and_update() {
                handled += 1;
                one(&client, handled).await?;
                let after = metrics::read(&client, GIVEN_UP).await?;
                overtaken_max = f64::max(overtaken_max, after - before);
                before = after;
            }
            Ok(Went {
                handled,
                overtaken_max,
            })
        });
        Ok(Self { stop, task })
    }

    /// How it went.
    pub(super) async fn stop(self) -> Result<Went> {
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
