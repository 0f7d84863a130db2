//! Timers by the million, with a SIGKILL in the middle: none early, none lost, none doubled, and
//! how late.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use hdrhistogram::Histogram;
use hyper::Method;
use testkit::client::Client;
use testkit::patience::until;
use testkit::{load, metrics, sized};

use crate::world::Host;

const ROUTES: &str = r#"
[topics]
"alarms.set" = {}
"alarm" = {}

[subscriptions.set]
topic = "alarms.set"
plugin = "alarms"

[subscriptions.ring]
topic = "alarm"
plugin = "alarms"

[[ingress]]
method = "POST"
path = "/alarms/{key}"
topic = "alarms.set"
key = "path:key"

[[query]]
path = "/alarms/{key}"
plugin = "alarms"
key = "{key}"
"#;

/// Timers of a key: as many as one call may set, and one query shows.
const OF_A_KEY: usize = 1_000;
/// Requests at once.
const AT_ONCE: usize = 16;
const PATIENCE: Duration = Duration::from_secs(120);
/// How soon after a restart the timers that came due meanwhile must all be there.
const CAUGHT_UP_AFTER_MS_MAX: u64 = 20_000;

#[tokio::test(flavor = "multi_thread")]
async fn pending_timers_survive_a_sigkill_and_none_is_early_lost_or_doubled() -> Result<()> {
    let keys = sized(20, 1_000);
    // Time to set them all, and over which they fall due.
    let (lead_ms, span_ms) = sized((3_000, 4_000), (120_000, 600_000));
    let mut host = Host::with(ROUTES, &["alarms"]).await?;
    let client = host.server.client();
    let from = now_ms()? + lead_ms;
    set_all(&client, keys, from, span_ms).await?;
    let set = now_ms()?;
    ensure!(
        set < from,
        "not all were pending at once: more lead is needed"
    );
    let resident = host.server.resident_mb()?;
    println!(
        "{} timers set in {} ms, due over {span_ms} ms; resident {resident} MB",
        keys * OF_A_KEY,
        set + lead_ms - from
    );

    let machine = Probe::start()?;
    sleep_until(from + span_ms / 2).await?;
    let killed = now_ms()?;
    host.server.kill().await?;
    host.server.start_again().await?;
    let ready = now_ms()?;
    sleep_until(from + span_ms).await?;
    let machine_ms = machine.stop()?;
    let rung = all_rung(&host.server.client(), keys).await?;
    let caught_up = Report::of(&rung, killed, ready)?.print(killed, ready, machine_ms)?;
    ensure!(
        caught_up < ready + CAUGHT_UP_AFTER_MS_MAX,
        "what fell due while the host was down came only {} ms after its start",
        caught_up - ready
    );
    host.server.stop().await
}

/// Has each key set its timers, and waits until all are set.
async fn set_all(client: &Client, keys: usize, from: u64, span_ms: u64) -> Result<()> {
    let each = (0..keys).collect();
    let on = client.clone();
    let run = load::closed(AT_ONCE, &on, each, move |client, key: usize| async move {
        // So that no two keys' timers fall due together.
        let body = format!("{} {} {OF_A_KEY}", from + key as u64 % 97, span_ms - 97);
        let path = format!("/alarms/{key}");
        let reply = client.send(Method::POST, &path, Bytes::from(body)).await?;
        reply.success().map(drop)
    })
    .await;
    run.all_well()?;
    metrics::reached(client, "messages_handled_total", keys as f64, PATIENCE).await
}

/// A timer that came.
#[derive(Clone, Copy, Debug)]
struct Ring {
    due: u64,
    at: u64,
}

/// Waits until all timers came, and returns them.
async fn all_rung(client: &Client, keys: usize) -> Result<Vec<Ring>> {
    let ask = async || {
        let each = (0..keys).collect();
        let rung = load::gather(AT_ONCE, client, each, |client, key| async move {
            rung(&client, key).await
        });
        Ok(rung.await?.concat())
    };
    until(PATIENCE, ask, |rung| rung.len() == keys * OF_A_KEY).await
}

/// The timers of a key that came, each once.
async fn rung(client: &Client, key: usize) -> Result<Vec<Ring>> {
    let reply = client.get(&format!("/alarms/{key}")).await?.success()?;
    let text = String::from_utf8_lossy(&reply.body);
    let mut rung = BTreeMap::new();
    for line in text.lines() {
        let name = line.split_whitespace().next().context("a name")?;
        ensure!(name.starts_with("came/"), "came twice: {key} {line}");
        let mut numbers = line.split_whitespace().skip(1).map(str::parse);
        let mut number = || numbers.next().context("two numbers")?.context("a number");
        let (due, at) = (number()?, number()?);
        rung.insert(name.to_owned(), Ring { due, at });
    }
    Ok(rung.into_values().collect())
}

/// How late they were.
struct Report {
    /// Due while the host ran, in milliseconds.
    late_ms: Histogram<u64>,
    /// Due while it was down, or caught up.
    meanwhile: usize,
    /// When it had caught up.
    caught_up: u64,
}

impl Report {
    fn of(rung: &[Ring], killed: u64, ready: u64) -> Result<Self> {
        let missed = rung
            .iter()
            .filter(|ring| (killed..ready).contains(&ring.due));
        let caught_up = missed.map(|ring| ring.at).max().unwrap_or(ready);
        let (mut late_ms, mut meanwhile) = (Histogram::new(3)?, 0);
        for ring in rung {
            let late = ring.at.checked_sub(ring.due);
            let late = late.with_context(|| format!("early: {ring:?}"))?;
            match (killed..caught_up).contains(&ring.due) {
                true => meanwhile += 1,
                false => late_ms.record(late)?,
            }
        }
        Ok(Self {
            late_ms,
            meanwhile,
            caught_up,
        })
    }

    /// Prints the figures and holds them to their bar, beyond what the machine is late by itself;
    /// returns when all was caught up.
    fn print(&self, killed: u64, ready: u64, machine_ms: u64) -> Result<u64> {
        let late = |quantile| self.late_ms.value_at_quantile(quantile);
        println!(
            "{} timers late by p50 {} ms, p99 {} ms, p99.9 {} ms, max {} ms; {} more were due in \
             {} ms without a host or the {} ms after it",
            self.late_ms.len(),
            late(0.5),
            late(0.99),
            late(0.999),
            self.late_ms.max(),
            self.meanwhile,
            ready - killed,
            self.caught_up.saturating_sub(ready),
        );
        println!("a sleep that does nothing is late by p99 {machine_ms} ms on this machine");
        // In a quick run the machine has other tests to run.
        let bar = sized(1_000, 50) + machine_ms;
        ensure!(late(0.99) < bar, "p99 is {} ms late", late(0.99));
        Ok(self.caught_up)
    }
}

/// How late this machine wakes those who sleep, all the while: what is late beyond it is the host.
struct Probe {
    stop: tokio::sync::oneshot::Sender<()>,
    late_ms: std::thread::JoinHandle<Histogram<u64>>,
}

impl Probe {
    /// A thread of its own, as the host's are.
    fn start() -> Result<Self> {
        const PAUSE: Duration = Duration::from_millis(5);
        let (stop, mut stopped) = tokio::sync::oneshot::channel();
        let mut late_ms = Histogram::new(3)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()?;
        let work = move || {
            runtime.block_on(async {
                loop {
                    let due = tokio::time::Instant::now() + PAUSE;
                    tokio::select! {
                        _ = &mut stopped => return,
                        () = tokio::time::sleep_until(due) => {
                            late_ms.saturating_record(due.elapsed().as_millis() as u64);
                        }
                    }
                }
            });
            late_ms
        };
        let late_ms = std::thread::Builder::new().spawn(work)?;
        Ok(Self { stop, late_ms })
    }

    /// Ends it, and returns the p99 in milliseconds.
    fn stop(self) -> Result<u64> {
        drop(self.stop);
        let late_ms = self.late_ms.join();
        let late_ms = late_ms.map_err(|_| anyhow::anyhow!("the probe panicked"))?;
        Ok(late_ms.value_at_quantile(0.99))
    }
}

fn now_ms() -> Result<u64> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    Ok(u64::try_from(now.as_millis())?)
}

async fn sleep_until(time_ms: u64) -> Result<()> {
    let left = time_ms.saturating_sub(now_ms()?);
    tokio::time::sleep(Duration::from_millis(left)).await;
    Ok(())
}
