//! What waits and the log may no longer have: read from the view, then settled by the log.

use std::ops::ControlFlow;
use std::sync::Arc;

use wasmill_engine::story::{Sought, Waiting};
use wasmill_engine::{codec, layout};
use wasmill_model::{PartitionId, Record};
use wasmill_port::store::{Error, View};

use super::ANSWER_BYTES_MAX;
use super::reading::{Bounds, Extent, Reading};

/// Entries of the view that are read at once: one may have several megabytes.
const SLICE_COUNT: usize = 32;

/// What was read of the view. The log that settles it must be read up to a barrier that was asked
/// for later than this.
pub(super) struct Scanned {
    waiting: Waiting,
    extent: Extent,
}

/// Reads what waits from the view.
pub(super) fn scan(
    view: &Arc<dyn View>,
    partitions: u16,
    sought: Sought,
    bounds: &Bounds,
) -> Result<Scanned, Error> {
    let mut scanned = Scanned {
        waiting: Waiting::new(sought, ANSWER_BYTES_MAX),
        extent: Extent::default(),
    };
    let meta = view.get(layout::META)?;
    if let Err(cause) = scanned.waiting.begin(meta.as_deref()) {
        return Err(Error::new("read the checkpoint's mark", cause));
    }
    for id in (0..partitions).map(PartitionId) {
        for prefix in Waiting::prefixes(id) {
            scanned.read(&**view, &prefix, bounds)?;
        }
        scanned.waiting.end_partition(id);
    }
    Ok(scanned)
}

impl Scanned {
    /// What waits at the end of a reading: the records since the checkpoints of the view are
    /// applied to what was read of it. None if these could not all be read.
    pub(super) fn settled(self, reading: &mut Reading) -> Result<Option<Waiting>, Error> {
        let Self {
            mut waiting,
            extent,
        } = self;
        reading.extent.add(&extent);
        let (from, damaged) = (waiting.next_block(), reading.extent.damaged);
        let mut next = from;
        reading.forward(from, |number, block| {
            if number == next {
                next += 1;
            }
            for encoded in codec::encoded_records(block)? {
                let encoded = encoded?;
                if waiting.wants(number, encoded) {
                    waiting.apply(&codec::decode::<Record>(encoded)?);
                }
            }
            Ok(ControlFlow::Continue(()))
        })?;
        // Without all of these blocks nobody can say whether it still waits.
        if next < reading.end || reading.extent.damaged > damaged {
            reading.extent.cut_short = true;
            return Ok(None);
        }
        Ok(Some(waiting))
    }

    fn read(&mut self, view: &dyn View, prefix: &[u8], bounds: &Bounds) -> Result<(), Error> {
        let mut from = prefix.to_vec();
        loop {
            if !bounds.hold() {
                self.extent.cut_short = true;
                return Ok(());
            }
            let entries = view.scan(prefix, &from, SLICE_COUNT)?;
            for (key, value) in &entries {
                if let Err(cause) = self.waiting.take(key, value) {
                    let entry = key.escape_ascii();
                    self.extent.damage(format!("the entry {entry}: {cause}"));
                }
            }
            match entries.last() {
                Some((last, _)) if entries.len() == SLICE_COUNT => {
                    from.clone_from(last);
                    from.push(0);
                }
                _ => return Ok(()),
            }
        }
    }
}
