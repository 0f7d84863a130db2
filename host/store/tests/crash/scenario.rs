//! What is done to the store while it is recorded: all that a host does to it, in all sizes.

use std::path::Path;

use bytes::Bytes;
use rand::{Rng, SeedableRng, rngs::StdRng};
use wasmill_port::store::{Acquired, BlockNumber, Change, Log, View};
use wasmill_store::{DataDir, Options, Settings, Sled, SledLog, SledView};

use crate::{
    model::Fact,
    recorder::{Event, Recorder},
};

/// What is done, and how much of it.
#[derive(Clone, Copy)]
pub(crate) struct Scenario {
    /// Decides on everything else.
    pub(crate) seed: u64,
    /// How often the store is started.
    pub(crate) starts: usize,
    /// Steps from one start to the next.
    pub(crate) steps: usize,
    /// Blocks that are kept when the log is trimmed.
    pub(crate) kept: u64,
    /// The length of each block, by its number.
    pub(crate) block_bytes: fn(BlockNumber) -> u64,
}

impl Scenario {
    /// The content of a block, which tells it from all others.
    pub(crate) fn block(&self, number: BlockNumber) -> Bytes {
        bytes((self.block_bytes)(number), number)
    }

    /// Does it all to a new store in `directory`, and returns what happened to its files.
    pub(crate) fn record(&self, directory: &Path) -> Vec<Event<Fact>> {
        let mut rng = StdRng::seed_from_u64(self.seed);
        let mut recorder = Recorder::start(directory);
        for _ in 0..self.starts {
            let dir = DataDir::open(directory, Settings::default()).expect("a directory");
            let (mut log, view) = Sled::open(&dir, &Options::default()).expect("it opens");
            let mut acquired = log.acquire().expect("it is ours");
            for _ in 0..self.steps {
                if rng.random_ratio(3, 5) {
                    self.append(&mut log, &mut acquired, &mut recorder);
                } else {
                    change(&view, &mut recorder, &mut rng);
                }
            }
        }
        recorder.stop()
    }

    fn append(&self, log: &mut SledLog, acquired: &mut Acquired, recorder: &mut Recorder<Fact>) {
        let number = acquired.next;
        recorder.note(Fact::Appending(number));
        log.append(acquired.epoch, number, &self.block(number))
            .expect("it is appended");
        recorder.note(Fact::Appended(number));
        acquired.next += 1;
        let before = acquired.next.saturating_sub(self.kept);
        if number.is_multiple_of(8) && before > 0 {
            recorder.note(Fact::Trimming(before));
            log.trim(before).expect("it is trimmed");
        }
    }
}

/// What the view's thread does: pages come and go, slices of a checkpoint, and its marks, which
/// are one.
fn change(view: &SledView, recorder: &mut Recorder<Fact>, rng: &mut StdRng) {
    match rng.random_range(0..5) {
        0 => {
            let page = format!("page/{}", rng.random_range(0..4)).into_bytes();
            let changes = match rng.random() {
                true => vec![Change::put(page, value(40_000..70_000, rng))],
                false => vec![Change::delete(page)],
            };
            recorder.note(Fact::Writing(changes.clone()));
            view.write(changes).expect("it is written");
        }
        1 | 2 => {
            let changes: Vec<_> = (0..rng.random_range(1..8)).map(|_| state(rng)).collect();
            recorder.note(Fact::Writing(changes.clone()));
            view.write(changes).expect("it is written");
        }
        _ => {
            let mut changes: Vec<_> = (0..rng.random_range(1..6)).map(|_| state(rng)).collect();
            changes.push(Change::put(b"mark".to_vec(), value(16..60_000, rng)));
            recorder.note(Fact::Committing(changes.clone()));
            view.commit(changes).expect("it is committed");
            if rng.random_ratio(2, 3) {
                view.sync().expect("it is synced");
                recorder.note(Fact::Synced);
            }
        }
    }
}

/// An entry of few keys, so that they are written again and again, small mostly.
fn state(rng: &mut StdRng) -> Change {
    let key = format!("state/{}", rng.random_range(0..12)).into_bytes();
    match rng.random_range(0..10) {
        0..7 => Change::put(key, value(0..300, rng)),
        7 => Change::put(key, value(50_000..120_000, rng)),
        _ => Change::delete(key),
    }
}

fn value(len: std::ops::Range<u64>, rng: &mut StdRng) -> Bytes {
    bytes(rng.random_range(len), rng.random_range(0..1 << 31))
}

/// Bytes that tell `seed` and every position apart.
fn bytes(len: u64, seed: u64) -> Bytes {
    let words = (seed << 32..).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
    let bytes = words.flatten().take(len as usize);
    bytes.collect::<Vec<u8>>().into()
}
