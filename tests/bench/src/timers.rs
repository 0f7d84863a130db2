//! Delayed messages: how many a second are taken in durably, and delivered when all fall due in one
//! moment.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use bytes::Bytes;
use serde_json::{Value, json};
use wasmill_model::{Millis, When};
use wasmill_port::Clock;
use wasmill_service::{Incoming, SystemClock};

use crate::host::{Host, message};

const CLIENTS: u64 = 1_024;
const KEYS: u64 = 10_000;
/// Fewer a second are not expected: when all of them must be in.
const SET_PER_S_MIN: u64 = 5_000;
const LEAD: Duration = Duration::from_secs(2);

/// Takes in `count` messages for one moment, and waits until they are in their subscription's
/// queue, which no plugin serves.
pub(crate) async fn measure(count: u64) -> Result<Value> {
    let host = Host::start(false).await?;
    let clock = SystemClock::default();
    let due = clock.now() + Duration::from_secs(count / SET_PER_S_MIN) + LEAD;
    let begun = Instant::now();
    host.feed_with(count, CLIENTS, move |nth| later(nth, due))
        .await?;
    let set_per_s = count as f64 / begun.elapsed().as_secs_f64();
    ensure!(clock.now() < due, "they fell due before all were in");

    tokio::time::sleep(due.since(clock.now())).await;
    let begun = Instant::now();
    while host.pending().await? < count {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let fired_per_s = count as f64 / begun.elapsed().as_secs_f64();
    host.stop().await?;
    Ok(json!({
        "timers.set_per_s": set_per_s.round(),
        "timers.fired_per_s": fired_per_s.round(),
    }))
}

fn later(nth: u64, due: Millis) -> Incoming {
    let key = format!("key-{}", nth % KEYS).into();
    Incoming {
        deliver: When::At(due),
        ..message(key, Bytes::from_static(&[b'x'; 100]))
    }
}
