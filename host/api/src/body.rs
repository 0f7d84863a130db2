//! Reads request bodies within their bounds: of size, of time, and of all bodies together.

use std::time::Duration;

use axum::body::{Body, HttpBody};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

use crate::error::Error;

/// What one permit of the budget stands for.
const UNIT_BYTES: usize = 1 << 10;
/// Bodies that are thrown away unread at once, and how much of each, for how long.
const DISCARDS_MAX: usize = 64;
const DISCARD_BYTES_MAX: u64 = 256 << 20;
const DISCARD_TIME_MAX: Duration = Duration::from_secs(5);

static DISCARDS: Semaphore = Semaphore::const_new(DISCARDS_MAX);

/// Memory for the bodies of all requests.
pub(crate) struct Budget {
    units: Semaphore,
}

/// A body, and its share of the budget.
pub(crate) struct Held<'a> {
    pub(crate) bytes: Bytes,
    _units: SemaphorePermit<'a>,
}

impl Budget {
    pub(crate) fn new(bytes_max: usize) -> Self {
        let units = bytes_max.div_ceil(UNIT_BYTES).min(Semaphore::MAX_PERMITS);
        Self {
            units: Semaphore::new(units),
        }
    }

    /// Reads a body of at most `bytes_max`.
    pub(crate) async fn read(
        &self,
        mut body: Body,
        bytes_max: usize,
        time_max: Duration,
    ) -> Result<Held<'_>, Error> {
        let stated = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        let read = match stated > bytes_max {
            true => Err(Error::BodyTooLarge { bytes_max }),
            false => self.read_within(&mut body, bytes_max, time_max).await,
        };
        if matches!(read, Err(Error::BodyTooLarge { .. } | Error::Busy { .. })) {
            discard(body);
        }
        read
    }

    async fn read_within(
        &self,
        body: &mut Body,
        bytes_max: usize,
        time_max: Duration,
    ) -> Result<Held<'_>, Error> {
        // Not for what is stated: that costs who sends it nothing.
        let mut units = self.take(0)?;
        let deadline = Instant::now() + time_max;
        let (mut first, mut rest) = (Bytes::new(), BytesMut::new());
        let mut size = 0;
        loop {
            let frame = timeout_at(deadline, body.frame())
                .await
                .map_err(|_| Error::BodySlow)?;
            let Some(frame) = frame else { break };
            // Trailers are of no use here.
            let Ok(data) = frame.map_err(|_| Error::BodyBroken)?.into_data() else {
                continue;
            };
            size += data.len();
            if size > bytes_max {
                return Err(Error::BodyTooLarge { bytes_max });
            }
            let held = units.num_permits() * UNIT_BYTES;
            if size > held {
                units.merge(self.take(size - held)?);
            }
            if first.is_empty() {
                // Most bodies come in one piece, and need no copy.
                first = data;
            } else {
                if rest.is_empty() {
                    rest.extend_from_slice(&first);
                }
                rest.extend_from_slice(&data);
            }
        }
        let bytes = if rest.is_empty() {
            first
        } else {
            rest.freeze()
        };
        Ok(Held {
            bytes,
            _units: units,
        })
    }

    fn take(&self, bytes: usize) -> Result<SemaphorePermit<'_>, Error> {
        let units = u32::try_from(bytes.div_ceil(UNIT_BYTES)).unwrap_or(u32::MAX);
        let busy = |_| Error::Busy {
            what: "as many bytes of requests in hand as it can hold",
        };
        self.units.try_acquire_many(units).map_err(busy)
    }
}

/// Reads on for a while and drops what comes. A client that is still sending would otherwise see
/// its connection reset, and might never read the answer.
fn discard(mut body: Body) {
    let Ok(place) = DISCARDS.try_acquire() else {
        return;
    };
    tokio::spawn(async move {
        let _place = place;
        let deadline = Instant::now() + DISCARD_TIME_MAX;
        let mut size = 0;
        while size < DISCARD_BYTES_MAX
            && let Ok(Some(Ok(frame))) = timeout_at(deadline, body.frame()).await
        {
            size += frame.data_ref().map_or(0, |data| data.len() as u64);
        }
    });
}
