//! One key parked by a poison message, with a long queue behind it: other keys flow, memory is
//! bounded, and the disk space of what is handled comes back.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use bytes::Bytes;
use hyper::{Method, StatusCode};
use testkit::client::Client;
use testkit::{load, metrics, sized};

use crate::world::{Host, WAY_IN};

/// The retry comes when the test is long over: until then the key is parked.
const ROUTES: &str = r#"
[topics]
"work" = {}
"counted" = {}

[subscriptions.worker]
topic = "work"
plugin = "refuse"
retry = ["6h"]
"#;

/// The body that this plugin fails on.
const POISON: &[u8] = b"retry";
/// A usual body.
const FINE: &[u8] = &[b'x'; 100];
/// A large body, of which few are enough to see the disk's space come back.
const LARGE: &[u8] = &[b'x'; 64 << 10];
/// The counter of messages done with.
const HANDLED: &str = "messages_handled_total";
/// Requests at once.
const AT_ONCE: usize = 256;
/// A producer's pause when it is told to come again later.
const BACK_OFF: Duration = Duration::from_millis(50);
/// Memory that must do, whatever is parked.
const RESIDENT_MB_MAX: u64 = 400;
/// Longest wait for handling.
const PATIENCE: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn a_parked_key_with_a_long_queue_holds_up_nobody_else() -> Result<()> {
    let behind = sized(20_000, 1_000_000);
    let others = sized(20_000, 200_000);
    let host = Host::with(&format!("{ROUTES}{WAY_IN}"), &["refuse"]).await?;
    let server = &host.server;
    let client = server.client();

    let usual = flow(&client, others).await?;
    post(1, &client, vec!["/work/poison".to_owned()], POISON).await?;
    let poisoned = vec!["/work/poison".to_owned(); behind];
    post(AT_ONCE, &client, poisoned, FINE).await?;
    let beside = flow(&client, others).await?;
    println!(
        "{others} messages handled in {usual:?} before and {beside:?} beside a parked key; \
         resident {} MB",
        server.resident_mb()?
    );

    // In a quick run the machine has other tests to run.
    let factor = sized(20, 3);
    ensure!(
        beside < usual * factor,
        "other keys are held up: {usual:?} before, {beside:?} now"
    );
    let resident = server.resident_mb()?;
    ensure!(resident < RESIDENT_MB_MAX, "{resident} MB resident");
    let accepted = metrics::read(&client, "messages_accepted_total").await?;
    let waiting = accepted - metrics::read(&client, HANDLED).await?;
    assert_eq!(waiting, behind as f64 + 1.0, "only the parked key waits");

    // The log is kept up to a bound for those who look things up, and the store's file does not
    // shrink: so its space is used again if, beyond that bound, it grows no more.
    let large = sized(6_000, 64_000);
    // In a quick run fewer at once: it is too short for the file to reach its size in a flood.
    let at_once = sized(16, AT_ONCE);
    for _ in 0..2 {
        post(at_once, &client, paths(large), LARGE).await?;
    }
    let before = bytes_in(&host.installation.data)?;
    post(at_once, &client, paths(large), LARGE).await?;
    let after = bytes_in(&host.installation.data)?;
    let written = (large * LARGE.len()) as u64;
    println!("{written} more bytes handled: {before} bytes on disk before, {after} after");
    ensure!(
        after < before + written / 4,
        "{before} bytes on disk before, {after} after"
    );
    Ok(())
}

/// Sends messages with many keys, and waits until they are handled.
async fn flow(client: &Client, messages: usize) -> Result<Duration> {
    let begun = Instant::now();
    let handled = metrics::read(client, HANDLED).await? + messages as f64;
    post(AT_ONCE, client, paths(messages), FINE).await?;
    metrics::reached(client, HANDLED, handled, PATIENCE).await?;
    Ok(begun.elapsed())
}

/// Where to send so many messages: many keys, in turn.
fn paths(messages: usize) -> Vec<String> {
    (0..messages)
        .map(|nth| format!("/work/{}", nth % 1_000))
        .collect()
}

async fn post(
    at_once: usize,
    client: &Client,
    paths: Vec<String>,
    body: &'static [u8],
) -> Result<()> {
    let on = (client.clone(), Bytes::from_static(body));
    let run = load::closed(
        at_once,
        &on,
        paths,
        |(client, body), path: String| async move {
            loop {
                let reply = client.send(Method::POST, &path, body.clone()).await?;
                // What a producer does that outruns the host's disk.
                if reply.status != StatusCode::TOO_MANY_REQUESTS {
                    return reply.success().map(drop);
                }
                ensure!(reply.headers.contains_key("retry-after"), "{reply}");
                tokio::time::sleep(BACK_OFF).await;
            }
        },
    )
    .await;
    run.all_well()
}

fn bytes_in(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        // A file may go while it is looked at: then it takes no space.
        let Ok(metadata) = entry.metadata() else {
            continue;
        };
        bytes += if metadata.is_dir() {
            bytes_in(&entry.path())?
        } else {
            metadata.len()
        };
    }
    Ok(bytes)
}
