//! How often each reader has to get each article.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use std::time::Duration;

use wasmill_model::{Millis, Start};

use super::Piece;

/// What is known of all articles and readers. As it was, it is put back if the log ends before.
#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    pub(super) articles: BTreeMap<u64, Article>,
    pub(super) readers: BTreeMap<&'static str, Reader>,
    /// How long articles are kept.
    pub(super) retention: Option<Duration>,
}

/// A replay of the log for a reader.
#[derive(Clone, Copy, Debug)]
pub(super) struct Replay {
    /// From where on.
    pub(super) to: Start,
    /// The first block that the log has.
    pub(super) first: u64,
    /// When it began.
    pub(super) begun: Millis,
}

/// An article that was sent.
#[derive(Clone, Debug)]
pub(super) struct Article {
    pub(super) piece: Piece,
    /// When.
    pub(super) at: Millis,
    /// The blocks of which one has it.
    pub(super) blocks: Range<u64>,
    /// When that block was seen to be sealed.
    pub(super) sealed_by: Option<Millis>,
}

/// A reader that the data directory knows.
#[derive(Clone, Debug, Default)]
pub(super) struct Reader {
    /// How often it gets each article.
    pub(super) reads: BTreeMap<u64, Times>,
    /// How often it was moved.
    pub(super) moves: i64,
}

/// A number of times, as far as it is certain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) min: i64,
    pub(super) max: i64,
}

impl Times {
    const NEVER: Self = Self { min: 0, max: 0 };
    const ONCE: Self = Self { min: 1, max: 1 };

    fn and(self, other: Self) -> Self {
        Self {
            min: self.min + other.min,
            max: self.max + other.max,
        }
    }
}

impl Article {
    /// How often a replay of the log delivers it, to a reader of a topic with this retention.
    fn replayed(&self, reader: &str, replay: Replay, retention: Option<Duration>) -> Times {
        let is_meant = match replay.to {
            Start::Last => false,
            Start::First => true,
            Start::At(time) => self.at >= time,
        };
        if !is_meant || !self.piece.passes(reader) {
            return Times::NEVER;
        }
        let is_over = retention.is_some_and(|kept| replay.begun.since(self.at) > kept);
        // A block that was sealed only when the move had begun is replayed whole.
        let is_old = self.sealed_by.is_some_and(|at| at < replay.begun);
        if is_over && is_old {
            Times::NEVER
        } else if is_over || self.blocks.start < replay.first {
            // What was trimmed may be there again after a crash.
            Times { min: 0, max: 1 }
        } else {
            Times::ONCE
        }
    }
}

impl Model {
    /// An article was sent while these readers were in the routes.
    pub(super) fn sent(&mut self, article: Article, routed: &BTreeSet<&str>) {
        let id = article.piece.id;
        for (name, reader) in &mut self.readers {
            let gets = routed.contains(name) && article.piece.passes(name);
            let times = if gets { Times::ONCE } else { Times::NEVER };
            reader.reads.insert(id, times);
        }
        self.articles.insert(id, article);
    }

    /// An article was not sent after all.
    pub(super) fn forget(&mut self, id: u64) {
        self.articles.remove(&id);
        for reader in self.readers.values_mut() {
            reader.reads.remove(&id);
        }
    }

    /// A reader is new.
    pub(super) fn met(&mut self, name: &'static str, replay: Replay) {
        let articles = self.articles.iter();
        let reads = articles.map(|(id, it)| (*id, it.replayed(name, replay, self.retention)));
        let reader = Reader {
            reads: reads.collect(),
            moves: 0,
        };
        self.readers.insert(name, reader);
    }

    /// A reader is moved that has read each article so often.
    pub(super) fn moved(
        &mut self,
        name: &'static str,
        replay: Replay,
        counts: &BTreeMap<u64, i64>,
    ) {
        let retention = self.retention;
        let reader = self.readers.get_mut(name).expect("it is known");
        reader.moves += 1;
        for (id, times) in &mut reader.reads {
            let count = counts[id];
            assert!(
                count <= times.max,
                "{name} read article {id} {count} times, and not {}",
                times.max
            );
            // One that waits is dropped, unless it runs before that.
            let kept = Times {
                min: count,
                max: times.max.min(count + 1),
            };
            *times = kept.and(self.articles[id].replayed(name, replay, retention));
        }
    }
}
