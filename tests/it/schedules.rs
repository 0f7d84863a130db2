//! Schedules: each run once, over a kill, a stop, and a change of the routes.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use testkit::patience::until;
use testkit::server::Server;
use tokio::time::sleep;

use crate::world::Host;

/// Each run is rejected, and so stays to be seen as a dead letter.
const ROUTES: &str = r#"
[topics]
"tick" = {}
"counted" = {}

[subscriptions.worker]
topic = "tick"
plugin = "refuse"
"#;

const SCHEDULE: &str = r#"
[schedules.each-second]
cron = "* * * * * *"
topic = "tick"
key = "k"
body = "reject"
missed = "all"
"#;

const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn no_run_is_skipped_or_doubled_over_a_kill_a_stop_and_a_change_of_routes() -> Result<()> {
    let routes = format!("{ROUTES}{SCHEDULE}");
    let mut host = Host::with(&routes, &["refuse"]).await?;
    let Host {
        server,
        installation,
        ..
    } = &mut host;
    let mut seen = ran(server, 2).await?;
    server.kill().await?;
    // It misses some.
    sleep(Duration::from_millis(2_500)).await;
    server.start_again().await?;
    seen = ran(server, seen.len() + 4).await?;
    server.stop().await?;
    sleep(Duration::from_millis(1_500)).await;
    server.start_again().await?;
    seen = ran(server, seen.len() + 3).await?;
    let first = seen[0];
    for (nth, at) in (0..).zip(&seen) {
        assert_eq!(*at, first + 1_000 * nth, "run {nth} of {seen:?}");
    }

    let shown = server.command(&["schedule", "list"]).await?;
    ensure!(
        shown.contains("each-second") && shown.contains("* * * * * *") && shown.contains("UTC"),
        "{shown}"
    );
    installation.set_routes(ROUTES)?;
    let list = || server.command(&["schedule", "list"]);
    until(PATIENCE, list, |said| said.trim() == "no schedules").await?;
    let stopped = times(server).await?;
    // It begins anew, and does not make up for when it was not there.
    sleep(Duration::from_millis(2_500)).await;
    assert_eq!(times(server).await?, stopped);
    installation.set_routes(&routes)?;
    let again = ran(server, stopped.len() + 1).await?;
    ensure!(again[stopped.len()] > stopped[stopped.len() - 1] + 2_000);
    server.stop().await
}

/// Waits until it ran so often, and tells for which times.
async fn ran(server: &Server, count: usize) -> Result<Vec<u64>> {
    until(PATIENCE, || times(server), |times| times.len() >= count).await
}

async fn times(server: &Server) -> Result<Vec<u64>> {
    let path = "/v1/dead-letters?limit=1000";
    let letters: Value = server.data_api().get(path).await?.success()?.json()?;
    let letters = letters["dead_letters"].as_array().context("a list")?;
    letters.iter().map(scheduled_at).collect()
}

fn scheduled_at(letter: &Value) -> Result<u64> {
    let headers = letter["message"]["headers"].as_array().context("headers")?;
    let value = |name: &str| {
        let header = headers.iter().find(|header| header[0] == name)?;
        header[1].as_str()
    };
    ensure!(value("wasmill-schedule") == Some("each-second"), "{letter}");
    Ok(value("wasmill-scheduled-at").context("a time")?.parse()?)
}
