//! Plugins that misbehave, each in its way, beside one that does not: they fail within their
//! limits and are given up, and all of their neighbour's messages are handled meanwhile. How many turns
//! they have between two of its calls is counted where turns are taken, in the adapter's own tests.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use bytes::Bytes;
use hyper::Method;
use testkit::client::Client;
use testkit::load;
use testkit::{metrics, sized};

use crate::world::Host;

/// The ways to misbehave.
const MISFITS: [&str; 4] = ["endless_loop", "memory_hog", "trap", "flood"];
/// What operators read of each. Which of its two limits a loop meets first is the machine's speed.
const CAUSES: [&[&str]; 4] = [
    &["past its `deadline` of 300ms", "all of its `fuel_max`"],
    &["`memory_bytes_max` is 33554432"],
    &["the guest trapped: wasm trap: wasm `unreachable`"],
    &["sends per call"],
];
/// How often a failing message is tried: once, and once for each retry.
const ATTEMPTS: u64 = 2;
/// The counter of calls that failed.
const FAILED: &str = "messages_failed_total";
/// Requests a second to the plugin that behaves.
const RATE: f64 = 200.0;
/// Longest time until all misbehaving messages are given up.
const PATIENCE: Duration = Duration::from_secs(120);

/// One plugin and subscription for each misfit, and the one that counts.
fn routes() -> String {
    let mut routes = String::from(
        r#"
[topics]
"work" = {}
"counted" = {}
"misfit.*" = {}

[subscriptions.counter]
topic = "work"
plugin = "counter"

[[ingress]]
method = "POST"
path = "/work/{key}"
topic = "work"
key = "path:key"
wait_for = ["counted"]
"#,
    );
    for name in MISFITS {
        routes += &format!(
            r#"
[plugins.{name}.limits]
deadline = "300ms"
memory_bytes_max = "32MiB"

[subscriptions.{name}]
topic = "misfit.{name}"
plugin = "{name}"
retry = ["50ms"]

[[ingress]]
method = "POST"
path = "/{name}/{{key}}"
topic = "misfit.{name}"
key = "path:key"
"#
        );
    }
    routes
}

#[tokio::test(flavor = "multi_thread")]
async fn plugins_that_misbehave_are_given_up_while_their_neighbour_goes_on() -> Result<()> {
    let host = Host::with(&routes(), &[&MISFITS[..], &["counter"]].concat()).await?;
    let server = &host.server;
    let client = server.client();

    let messages: u64 = sized(2, 50);
    for name in MISFITS {
        for key in 0..messages {
            let path = format!("/{name}/{key}");
            let body = Bytes::from_static(b"heed");
            client.send(Method::POST, &path, body).await?.success()?;
        }
    }
    work(&client, sized(400, 4_000)).await?;

    // All that failed was tried as often as its schedule says, and then it is waited for no more.
    let expected = (MISFITS.len() as u64 * messages * ATTEMPTS) as f64;
    let begun = Instant::now();
    while metrics::read(&client, FAILED).await? < expected
        || metrics::read(&client, "messages_pending").await? > 0.0
    {
        ensure!(
            begun.elapsed() < PATIENCE,
            "not given up after {PATIENCE:?}"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(metrics::read(&client, FAILED).await?, expected);

    // Each is a dead letter, and operators are told why.
    let dead = metrics::read(&client, "dead_letters_total").await?;
    assert_eq!(dead, (MISFITS.len() as u64 * messages) as f64);
    let log = server.log()?;
    for (name, causes) in MISFITS.iter().zip(CAUSES) {
        let told = |line: &str| {
            line.contains("a message was given up")
                && line.contains(&format!("subscription=\"{name}\""))
                && causes.iter().any(|cause| line.contains(cause))
        };
        ensure!(log.lines().any(told), "not told of {name}: {log}");
    }
    Ok(())
}

/// Steady work for the plugin that behaves, from request to its effect.
async fn work(client: &Client, requests: u64) -> Result<()> {
    let jobs = (0..requests).collect();
    let run = load::open(RATE, client, jobs, |client: Client, nth: u64| async move {
        let path = format!("/work/{}?wait=20s", nth % 100);
        let reply = client
            .send(Method::POST, &path, Bytes::from_static(b"1"))
            .await?
            .success()?;
        ensure!(
            reply.headers.contains_key("wasmill-outcome-topic"),
            "no outcome: {reply}"
        );
        Ok(())
    })
    .await;
    run.all_well()
}
