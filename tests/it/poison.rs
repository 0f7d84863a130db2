//! One key parked by a poison message, with a long queue behind it: other keys flow, memory is
//! bounded, and the disk space of what is handled comes back.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use bytes::Bytes;
use hyper::Method;
use testkit::client::Client;
use testkit::install::Installation;
use testkit::server::Server;
use testkit::{load, metrics, sized};

/// The retry comes when the test is long over: until then the key is parked.
const ROUTES: &str = r#"
[topics]
"work" = {}

[subscriptions.worker]
topic = "work"
plugin = "trap"
retry = ["6h"]

[[ingress]]
method = "POST"
path = "/work/{key}"
topic = "work"
key = "path:key"
"#;

/// The one body that this plugin takes.
const FINE: &[u8] = b"fine";
/// Requests at once.
const AT_ONCE: usize = 256;
/// Memory that must do, whatever is parked.
const RESIDENT_MB_MAX: u64 = 400;
/// Longest wait for handling, and for the disk.
const PATIENCE: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn a_parked_key_with_a_long_queue_holds_up_nobody_else() -> Result<()> {
    let behind = sized(20_000, 1_000_000);
    let others = sized(20_000, 200_000);
    let folder = tempfile::tempdir()?;
    let installation = Installation::empty(folder.path(), ROUTES)?;
    installation.put_plugin("trap", &wasmill_test_guests::bytes("trap"))?;
    let server = Server::start(&installation).await?;
    let client = server.client();

    let usual = flow(&client, others).await?;
    client
        .send(Method::POST, "/work/poison", Bytes::from_static(b"poison"))
        .await?
        .success()?;
    let poisoned = vec!["/work/poison".to_owned(); behind];
    post(&client, poisoned).await?;
    let disk_before = bytes_in(&installation.data)?;
    let beside = flow(&client, others).await?;
    println!(
        "{others} messages handled in {usual:?} before and {beside:?} beside a parked key; \
         resident {} MB",
        server.resident_mb()?
    );

    ensure!(
        beside < usual * 3,
        "other keys are held up: {usual:?} before, {beside:?} now"
    );
    let resident = server.resident_mb()?;
    ensure!(resident < RESIDENT_MB_MAX, "{resident} MB resident");
    assert_eq!(
        metrics::read(&client, "messages_pending").await?,
        behind as f64 + 1.0
    );

    // As often as it takes for the log to grow by far more than is allowed to stay.
    let handled = 5 * others;
    flow(&client, handled).await?;
    let bound = disk_before + (handled as u64) * 100;
    let begun = Instant::now();
    while bytes_in(&installation.data)? > bound {
        let now = bytes_in(&installation.data)?;
        ensure!(
            begun.elapsed() < PATIENCE,
            "{now} bytes on disk, {disk_before} before"
        );
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    Ok(())
}

/// Sends messages with many keys, and waits until they are handled.
async fn flow(client: &Client, messages: usize) -> Result<Duration> {
    let begun = Instant::now();
    let pending = metrics::read(client, "messages_pending").await?;
    post(
        client,
        (0..messages)
            .map(|nth| format!("/work/{}", nth % 1_000))
            .collect(),
    )
    .await?;
    while metrics::read(client, "messages_pending").await? > pending {
        ensure!(begun.elapsed() < PATIENCE, "not handled after {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(begun.elapsed())
}

async fn post(client: &Client, paths: Vec<String>) -> Result<()> {
    let run = load::closed(
        AT_ONCE,
        client,
        paths,
        |client: Client, path: String| async move {
            client
                .send(Method::POST, &path, Bytes::from_static(FINE))
                .await?
                .success()
                .map(drop)
        },
    )
    .await;
    ensure!(
        run.failed == 0,
        "{} messages were not taken: {:?}",
        run.failed,
        run.failures
    );
    Ok(())
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
