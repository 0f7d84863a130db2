//! Messages over the data API and from the command line: now, later, and once for an id.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use testkit::metrics;
use testkit::server::Server;

use crate::world::{COUNTER, Host};

const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_sent_now_or_later_and_once_for_an_id() -> Result<()> {
    let mut host = Host::with(COUNTER, &["counter"]).await?;
    let server = &mut host.server;
    let send = ["send", "work", "--key", "k", "--body", "x", "--id", "one"];
    let first = server.command(&send).await?;
    let again = server.command(&send).await?;
    ensure!(
        again.starts_with(first.trim()) && again.contains("before"),
        "{again}"
    );
    handled(server, 1.0).await?;
    let other = ["send", "work", "--key", "k", "--body", "y", "--id", "one"];
    let said = server
        .command(&other)
        .await
        .expect_err("another body")
        .to_string();
    ensure!(said.contains("another content"), "{said}");
    let unknown = server
        .command(&["send", "wrok"])
        .await
        .expect_err("a slip")
        .to_string();
    ensure!(unknown.contains("`wrok` is not declared"), "{unknown}");

    // A SIGKILL in the middle of its wait.
    let begun = Instant::now();
    let delay = Duration::from_millis(1_500);
    server
        .command(&["send", "work", "--key", "k", "--delay", "1500ms"])
        .await?;
    server.kill().await?;
    server.start_again().await?;
    handled(server, 1.0).await?;
    ensure!(
        begun.elapsed() >= delay,
        "early: after {:?}",
        begun.elapsed()
    );
    let past = [
        "send",
        "work",
        "--key",
        "k",
        "--header",
        "a=b",
        "--at",
        "2020-01-01T00:00:00Z",
    ];
    server.command(&past).await?;
    handled(server, 2.0).await?;
    assert_eq!(
        metrics::read(&server.client(), "messages_handled_total").await?,
        2.0
    );
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delay_level_is_its_delay_and_no_other_number_is_one() -> Result<()> {
    let mut host = Host::with(COUNTER, &["counter"]).await?;
    let server = &mut host.server;
    let said = server
        .command(&["send", "work", "--delay-level", "19"])
        .await
        .expect_err("there are 18")
        .to_string();
    ensure!(said.contains("delay level 19 is not from 1"), "{said}");
    let begun = Instant::now();
    server
        .command(&["send", "work", "--key", "k", "--delay-level", "1"])
        .await?;
    handled(server, 1.0).await?;
    ensure!(
        begun.elapsed() >= Duration::from_secs(1),
        "early: after {:?}",
        begun.elapsed()
    );
    server.stop().await
}

/// Waits until so many messages were handled since the host's start.
async fn handled(server: &Server, count: f64) -> Result<()> {
    metrics::reached(&server.client(), "messages_handled_total", count, PATIENCE).await
}
