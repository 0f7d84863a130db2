//! What the press knows of a host: observed before each change, and put back after a crash.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use wasmill_model::{Millis, Start};

use super::model::{Article, Model, Replay};
use super::{PLUGIN, Piece, READERS};
use crate::guest::number;
use crate::host::{Dead, Host};

/// All drafts, and what became of them.
#[derive(Debug)]
pub(super) struct Desk {
    drafts: BTreeMap<(String, u64), Piece>,
    model: Model,
    /// The readers in the routes in force.
    routed: BTreeSet<&'static str>,
    /// The model before each change that is not durable, and the barrier of the change.
    undo: Vec<(u64, Model)>,
    /// Blocks that were sealed at the last observation.
    sealed: u64,
}

impl Desk {
    /// One that knows how long articles are kept.
    pub(super) fn new(retention: Option<Duration>) -> Self {
        Self {
            drafts: BTreeMap::new(),
            model: Model {
                retention,
                ..Model::default()
            },
            routed: BTreeSet::new(),
            undo: Vec::new(),
            sealed: 0,
        }
    }

    /// A draft will be sent.
    pub(super) fn expect(&mut self, draft: Piece) {
        self.drafts.insert((draft.key.clone(), draft.id), draft);
    }

    /// Takes note of articles that were sent since the last time, by the routes in force since.
    pub(super) fn observe(&mut self, host: &Host) -> Result<(), Dead> {
        let blocks = self.sealed..host.barrier();
        let mut stuck = None;
        for ((key, id), piece) in &self.drafts {
            if self.model.articles.contains_key(id) || stuck == Some(key) {
                continue;
            }
            let Some(at) = sent_at(host, piece)? else {
                // They are sent in their order.
                stuck = Some(key);
                continue;
            };
            let article = Article {
                piece: piece.clone(),
                at,
                blocks: blocks.clone(),
                sealed_by: None,
            };
            self.model.sent(article, &self.routed);
        }
        self.sealed = host.sealed();
        let articles = self.model.articles.values_mut();
        for article in articles.filter(|it| it.blocks.end <= host.sealed()) {
            article.sealed_by.get_or_insert(host.now());
        }
        Ok(())
    }

    /// Something is about to change.
    pub(super) fn begin_change(&mut self, host: &Host) -> Result<(), Dead> {
        self.observe(host)?;
        // Until it is done, it is lost with the host.
        self.undo.push((u64::MAX, self.model.clone()));
        Ok(())
    }

    /// It has changed.
    pub(super) fn end_change(&mut self, host: &Host) {
        let (barrier, _) = self.undo.last_mut().expect("it was begun");
        *barrier = host.barrier();
    }

    /// The routes changed: readers that are new begin.
    pub(super) fn rerouted(&mut self, host: &Host) {
        for name in READERS {
            let Some(definition) = host.routes().subscription(name) else {
                self.routed.remove(name);
                continue;
            };
            self.routed.insert(name);
            if !self.model.readers.contains_key(name) {
                self.model.met(name, replay(host, definition.start));
            }
        }
    }

    /// How often a reader has read each article.
    pub(super) fn counts(&self, host: &Host, reader: &str) -> Result<BTreeMap<u64, i64>, Dead> {
        let articles = self.model.articles.iter();
        let counts = articles.map(|(id, it)| Ok((*id, count(host, &it.piece, reader)?)));
        counts.collect()
    }

    /// A reader, which had read each article so often, is moved.
    pub(super) fn moved(
        &mut self,
        host: &Host,
        name: &'static str,
        to: Start,
        counts: &BTreeMap<u64, i64>,
    ) {
        self.model.moved(name, replay(host, to), counts);
    }

    /// Whether a reader stands where it was moved to, whatever happens.
    pub(super) fn has_arrived(host: &Host, name: &str) -> bool {
        !host.is_moving(name) && host.durable() >= host.barrier()
    }

    /// So many blocks are durable.
    pub(super) fn durable(&mut self, blocks: u64) {
        self.undo.retain(|(barrier, _)| *barrier > blocks);
    }

    /// The log ends before some of what was seen.
    pub(super) fn restarted(&mut self, host: &Host, blocks: u64) -> Result<(), Dead> {
        self.durable(blocks);
        if !self.undo.is_empty() {
            self.model = self.undo.swap_remove(0).1;
            self.undo.clear();
        }
        let articles = self.model.articles.iter_mut();
        let mut lost = Vec::new();
        for (id, article) in articles.filter(|(_, it)| it.blocks.end > blocks) {
            match sent_at(host, &article.piece)? {
                Some(_) => article.blocks.end = blocks,
                None => lost.push(*id),
            }
        }
        lost.into_iter().for_each(|id| self.model.forget(id));
        self.sealed = self.sealed.min(blocks);
        self.begin_change(host)?;
        self.rerouted(host);
        self.end_change(host);
        Ok(())
    }

    /// Holds a host that has settled against what is expected.
    pub(super) fn check(&self, host: &Host, taken: &[Piece]) -> Result<(), Dead> {
        for piece in taken {
            let Piece { id, key, .. } = piece;
            let article = self.model.articles.get(id);
            assert!(article.is_some(), "draft {id} was not handled");
            let rung = host.state(PLUGIN, key, &format!("rung/{id}"))?;
            assert_eq!(
                rung.is_some(),
                piece.rings_after.is_some(),
                "article {id} rang"
            );
            for (name, reader) in &self.model.readers {
                let (count, times) = (count(host, piece, name)?, reader.reads[id]);
                assert!(
                    times.min <= count && count <= times.max,
                    "{name} read article {id} {count} times, expected: {times:?}"
                );
                let passes = host.state(PLUGIN, key, &format!("passes/{name}"))?;
                let passes = number(passes.as_ref()).unwrap_or(0);
                assert!(
                    passes <= reader.moves,
                    "{name} began {passes} times anew under {key}, and was moved {} times",
                    reader.moves
                );
            }
        }
        Ok(())
    }
}

/// A replay that begins now.
fn replay(host: &Host, to: Start) -> Replay {
    Replay {
        to,
        first: host.log_first(),
        begun: host.now(),
    }
}

fn sent_at(host: &Host, piece: &Piece) -> Result<Option<Millis>, Dead> {
    let sent = host.state(PLUGIN, &piece.key, &format!("sent/{}", piece.id))?;
    let at = number(sent.as_ref());
    Ok(at.map(|at| Millis(u64::try_from(at).expect("a time"))))
}

fn count(host: &Host, piece: &Piece, reader: &str) -> Result<i64, Dead> {
    let Piece { id, key, .. } = piece;
    let read = host.state(PLUGIN, key, &format!("read/{reader}/{id}"))?;
    Ok(number(read.as_ref()).unwrap_or(0))
}
