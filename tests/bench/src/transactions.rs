//! Half messages: how many a second are prepared durably, committed, and handled.

use std::time::Instant;

use anyhow::{Result, ensure};
use bytes::Bytes;
use wasmill_service::{HalfId, HalfOf, Incoming};

use crate::calls::drained;
use crate::host::{Client, Host, message};

const CLIENTS: u64 = 1_024;
const KEYS: u64 = 10_000;

/// Transactions a second, from the first half message to the last one handled.
pub(crate) async fn measure(count: u64) -> Result<f64> {
    let host = Host::start(true).await?;
    let begun = Instant::now();
    host.each(count, CLIENTS, transact).await?;
    drained(&host).await?;
    let rate = count as f64 / begun.elapsed().as_secs_f64();
    host.stop().await?;
    Ok(rate.round())
}

async fn transact(client: Client, nth: u64) -> Result<()> {
    let key = format!("key-{}", nth % KEYS).into();
    let half = Incoming {
        half: Some(HalfOf::default()),
        ..message(key, Bytes::from_static(&[b'x'; 100]))
    };
    let receipt = client.send(half).await?;
    let half = HalfId {
        partition: receipt.partition,
        message: receipt.message,
    };
    let settled = client.commit(half).await?;
    ensure!(!settled.before, "nobody else settles it");
    Ok(())
}
