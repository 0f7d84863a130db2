//! One reading of the log: block by block, within bounds, past what is damaged.

use std::ops::ControlFlow;
use std::sync::{Arc, Weak};
use std::time::Instant;

use wasmill_engine::codec::{self, DecodeError};
use wasmill_model::{Message, Millis, Routes};
use wasmill_port::store::{BlockNumber, Blocks, Error, Piece};

/// Reads that may fail before the whole reading does: each is a block that cannot be told of.
const FAILED_MAX: u64 = 64;

/// How far the log could be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// When the oldest block was written that is still there; none if the log is empty.
    pub since: Option<Millis>,
    /// Whether there was more to tell than time or room.
    pub cut_short: bool,
    /// Blocks, or runs of them, that could not be read.
    pub damaged: u64,
    /// What is wrong with the first of these.
    pub damage: Option<String>,
}

impl Extent {
    /// Adds what another reading for the same answer could not tell.
    pub(super) fn add(&mut self, other: &Self) {
        self.cut_short |= other.cut_short;
        self.damaged += other.damaged;
        if self.damage.is_none() {
            self.damage.clone_from(&other.damage);
        }
    }

    pub(super) fn damage(&mut self, cause: String) {
        self.damaged += 1;
        self.damage.get_or_insert(cause);
    }
}

/// How long a reading goes on.
#[derive(Clone, Debug)]
pub(super) struct Bounds {
    /// When it must be over.
    pub(super) until: Instant,
    /// Whoever asked; it is over when they are gone.
    pub(super) asker: Weak<()>,
}

impl Bounds {
    /// Whether there is time, and somebody waits.
    pub(super) fn hold(&self) -> bool {
        Instant::now() < self.until && self.asker.strong_count() > 0
    }
}

/// Which messages are still to be found.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept {
    pub(super) routes: Arc<Routes>,
    /// When somebody asked.
    pub(super) now: Millis,
}

impl Kept {
    /// Whether its topic keeps messages for so long.
    pub(super) fn has(&self, message: &Message) -> bool {
        !self.routes.is_over(message, self.now)
    }
}

/// A reading of all blocks before `end`.
pub(super) struct Reading {
    pub(super) blocks: Arc<dyn Blocks>,
    pub(super) end: BlockNumber,
    pub(super) kept: Kept,
    pub(super) bounds: Bounds,
    pub(super) extent: Extent,
}

/// What a visitor of blocks says.
pub(super) type Visited = Result<ControlFlow<()>, DecodeError>;

impl Reading {
    /// Visits the blocks from `from` on, oldest first, until the visitor breaks off.
    pub(super) fn forward(
        &mut self,
        from: BlockNumber,
        mut visit: impl FnMut(BlockNumber, &[u8]) -> Visited,
    ) -> Result<(), Error> {
        let mut next = self.first()?.max(from);
        while next < self.end && self.goes_on() {
            let Some(piece) = self.piece(next)? else {
                // It was trimmed meanwhile, or could not be read.
                next = self.first()?.max(next + 1);
                continue;
            };
            let wanted = next..self.end;
            next = piece.next.max(next + 1);
            for (number, block) in (piece.first..).zip(self.intact(piece)) {
                if wanted.contains(&number) && self.visited(number, visit(number, &block)) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Visits the blocks before `end`, newest first, until the visitor breaks off. Returns the
    /// number of the last one visited.
    pub(super) fn backward(
        &mut self,
        end: BlockNumber,
        mut visit: impl FnMut(BlockNumber, &[u8]) -> Visited,
    ) -> Result<BlockNumber, Error> {
        let mut end = end.min(self.end);
        let first = self.first()?;
        while end > first && self.goes_on() {
            let Some(piece) = self.piece(end - 1)? else {
                end -= 1;
                continue;
            };
            let wanted = first..end;
            end = piece.first.min(end - 1);
            let blocks: Vec<_> = (piece.first..).zip(self.intact(piece)).collect();
            for (number, block) in blocks.into_iter().rev() {
                if wanted.contains(&number) && self.visited(number, visit(number, &block)) {
                    return Ok(number);
                }
            }
        }
        Ok(end)
    }

    /// The first block that was written at `time` or later. What cannot be read counts as later.
    pub(super) fn at(&mut self, time: Millis) -> Result<BlockNumber, Error> {
        let (mut low, mut high) = (self.first()?, self.end);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.written(middle)? {
                Some(at) if at < time => low = middle + 1,
                _ => high = middle,
            }
        }
        Ok(low)
    }

    /// Tells from when on the log has everything.
    pub(super) fn look_back(&mut self) -> Result<(), Error> {
        let first = self.first()?;
        self.extent.since = self.written(first)?;
        Ok(())
    }

    fn written(&self, number: BlockNumber) -> Result<Option<Millis>, Error> {
        let Some(Piece { first, blocks, .. }) = self.blocks.piece(number)? else {
            return Ok(None);
        };
        let blocks = blocks.unwrap_or_default();
        let block = blocks.get((number - first) as usize);
        let header = block.and_then(|block| codec::header(block).ok());
        Ok(header.map(|header| header.at))
    }

    fn first(&self) -> Result<BlockNumber, Error> {
        Ok(self.blocks.first()?.unwrap_or(self.end))
    }

    /// Whether there is time, and somebody waits.
    fn goes_on(&mut self) -> bool {
        let goes_on = self.bounds.hold();
        self.extent.cut_short |= !goes_on;
        goes_on
    }

    /// A piece of the log. One that cannot be read is passed over, but not too many of them.
    fn piece(&mut self, number: BlockNumber) -> Result<Option<Piece>, Error> {
        match self.blocks.piece(number) {
            Err(error) if self.extent.damaged < FAILED_MAX => {
                self.extent.damage(error.to_string());
                Ok(None)
            }
            read => read,
        }
    }

    fn intact(&mut self, piece: Piece) -> Vec<bytes::Bytes> {
        piece.blocks.unwrap_or_else(|cause| {
            self.extent
                .damage(format!("block {}: {cause}", piece.first));
            Vec::new()
        })
    }

    /// Whether the visitor wants no more.
    fn visited(&mut self, number: BlockNumber, visited: Visited) -> bool {
        match visited {
            Ok(flow) => flow.is_break(),
            Err(cause) => {
                self.extent.damage(format!("block {number}: {cause}"));
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use wasmill_engine::codec::{BlockBuilder, Header};

    use super::*;

    /// A log of pieces of two blocks, from block 2 on, written at ten times their numbers.
    struct Pairs {
        next: BlockNumber,
        damaged: Option<BlockNumber>,
    }

    impl Blocks for Pairs {
        fn first(&self) -> Result<Option<BlockNumber>, Error> {
            Ok(Some(2))
        }

        fn piece(&self, number: BlockNumber) -> Result<Option<Piece>, Error> {
            let first = number - number % 2;
            if number < 2 || number >= self.next {
                return Ok(None);
            }
            let block = |number| {
                let at = Millis(number * 10);
                Bytes::from(BlockBuilder::new().seal(Header { offset: 0, at }))
            };
            let blocks = match self.damaged {
                Some(damaged) if first == damaged => Err("torn".to_owned()),
                _ => Ok(vec![block(first), block(first + 1)]),
            };
            Ok(Some(Piece {
                first,
                next: first + 2,
                blocks,
            }))
        }
    }

    fn reading(damaged: Option<BlockNumber>, asker: &Arc<()>) -> Reading {
        Reading {
            blocks: Arc::new(Pairs { next: 10, damaged }),
            end: 9,
            kept: Kept::default(),
            bounds: Bounds {
                until: Instant::now() + Duration::from_secs(60),
                asker: Arc::downgrade(asker),
            },
            extent: Extent::default(),
        }
    }

    /// The numbers of the blocks that are visited, oldest first, and from some block backward.
    fn visited(reading: &mut Reading, end: BlockNumber) -> [Vec<BlockNumber>; 2] {
        let (mut forward, mut backward) = (Vec::new(), Vec::new());
        let mut note = |number, _: &[u8]| {
            forward.push(number);
            Ok(ControlFlow::Continue(()))
        };
        reading.forward(0, &mut note).unwrap();
        let mut note = |number, _: &[u8]| {
            backward.push(number);
            Ok(ControlFlow::Continue(()))
        };
        reading.backward(end, &mut note).unwrap();
        [forward, backward]
    }

    #[test]
    fn a_reading_goes_past_what_is_damaged_and_tells_of_it() {
        let asker = Arc::new(());
        let mut whole = reading(None, &asker);
        let up: Vec<_> = (2..9).collect();
        let down: Vec<_> = (2..6).rev().collect();
        assert_eq!(visited(&mut whole, 6), [up, down]);
        assert_eq!(whole.extent, Extent::default());
        let mut torn = reading(Some(4), &asker);
        let (up, down) = (vec![2, 3, 6, 7, 8], vec![8, 7, 6, 3, 2]);
        assert_eq!(visited(&mut torn, 99), [up, down]);
        assert_eq!(torn.extent.damaged, 2);
        assert_eq!(torn.extent.damage.as_deref(), Some("block 4: torn"));
    }

    #[test]
    fn a_time_is_found_in_the_log() {
        let asker = Arc::new(());
        let mut reading = reading(None, &asker);
        let at: Vec<_> = [0, 20, 21, 55, 80, 81]
            .map(|it| reading.at(Millis(it)).unwrap())
            .into();
        assert_eq!(at, [2, 2, 3, 6, 8, 9]);
        reading.look_back().unwrap();
        assert_eq!(reading.extent.since, Some(Millis(20)));
    }

    #[test]
    fn a_reading_ends_when_nobody_waits_for_it() {
        let asker = Arc::new(());
        let mut reading = reading(None, &asker);
        drop(asker);
        assert!(visited(&mut reading, 9).iter().all(Vec::is_empty));
        assert!(reading.extent.cut_short);
    }
}
