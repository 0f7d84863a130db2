//! Delayed messages: how many a second are taken in durably, and delivered when all fall due in one
//! moment.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use bytes::Bytes;
use serde_json::{Value, json};
use wasmill_model::{Millis, When};
use wasmill_port::Clock;
use wasmill_service::{AcceptError, Incoming, SystemClock};

use crate::host::{Host, message};

const CLIENTS: u64 = 1_024;
const KEYS: u64 = 10_000;
/// Fewer a second are not expected: when all of them must be in.
const SET_PER_S_MIN: u64 = 5_000;
const LEAD: Duration = Duration::from_secs(2);
/// What a client does that outruns the disk.
const PAUSE: Duration = Duration::from_millis(5);

/// Takes in `count` messages for one moment, and waits until they are in their subscription's
/// queue, which no plugin serves.
pub(crate) async fn measure(count: u64) -> Result<Value> {
    let host = Host::start(false).await?;
    let clock = SystemClock::default();
    let due = clock.now() + Duration::from_secs(count / SET_PER_S_MIN) + LEAD;
    let begun = Instant::now();
    set_all(&host, count, due).await?;
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

async fn set_all(host: &Host, count: u64, due: Millis) -> Result<()> {
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let handle = host.handle.clone();
            tokio::spawn(async move {
                for nth in (client..count).step_by(CLIENTS as usize) {
                    while let Err(error) = handle.accept(later(nth, due)).await {
                        match error {
                            AcceptError::Busy { .. } => tokio::time::sleep(PAUSE).await,
                            error => return Err(error),
                        }
                    }
                }
                Ok(())
            })
        })
        .collect();
    for client in clients {
        client.await??;
    }
    Ok(())
}

fn later(nth: u64, due: Millis) -> Incoming {
    let key = format!("key-{}", nth % KEYS).into();
    Incoming {
        deliver: When::At(due),
        ..message(key, Bytes::from_static(&[b'x'; 100]))
    }
}
