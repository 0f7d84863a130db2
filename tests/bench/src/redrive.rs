//! Dead letters: how many a second an operator has delivered again, to a plugin that handles them.

use std::time::Instant;

use anyhow::{Result, ensure};
use wasmill_model::Name;
use wasmill_service::Redrive;

use crate::calls::drained;
use crate::host::{Host, PLUGIN, REFUSED, refused};

const CLIENTS: u64 = 256;
const KEYS: u64 = 10_000;

/// Dead letters a second, from the command to the last one handled.
pub(crate) async fn measure(count: u64) -> Result<f64> {
    let host = Host::start(true).await?;
    host.feed_with(count, CLIENTS, |nth| {
        refused(format!("key-{}", nth % KEYS).into())
    })
    .await?;
    drained(&host).await?;
    let begun = Instant::now();
    let to: Name = PLUGIN.into();
    let done = host
        .handle
        .redrive_all(&REFUSED.into(), &Redrive::to(Some(&to)))
        .await?;
    ensure!(
        (done.count, done.refused) == (count, 0),
        "{} of {count} were redriven, {} refused",
        done.count,
        done.refused
    );
    drained(&host).await?;
    let rate = count as f64 / begun.elapsed().as_secs_f64();
    host.stop().await?;
    Ok(rate.round())
}
