//! Reading dead letters: what the engine has that the view has not, then the view, and again if a
//! checkpoint came between.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use tokio::task::spawn_blocking;
use wasmill_engine::dead_letters::{self, LetterId};
use wasmill_engine::layout;
use wasmill_model::record::DeadLetter;
use wasmill_model::{Name, PartitionId};
use wasmill_port::Guests;
use wasmill_port::store::{Error, View};

use super::{OperateError, PIECE_BYTES, TRIES};
use crate::handle::Handle;

/// Letters that are read of the view before their bytes are counted.
const SCAN_COUNT: usize = 8;

/// A dead letter and its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Its name.
    pub id: LetterId,
    /// The letter.
    pub letter: DeadLetter,
}

/// Letters of a partition, and the version of it that they were read at.
pub(super) struct Read {
    pub(super) version: u64,
    pub(super) letters: Vec<Letter>,
    /// Whether there may be more.
    pub(super) more: bool,
}

/// Which letters of a partition are wanted.
pub(super) struct Wanted<'a> {
    pub(super) subscription: Option<&'a Name>,
    pub(super) after: Option<&'a LetterId>,
    pub(super) count: usize,
    /// Fewer come if they have so many bytes.
    pub(super) bytes: usize,
}

impl<G: Guests> Handle<G> {
    pub(super) async fn read_one(&self, id: &LetterId) -> Result<(u64, DeadLetter), OperateError> {
        if id.partition.0 >= self.partitions() {
            return Err(OperateError::NotFound);
        }
        // The one that comes right before it.
        let before = id
            .seq
            .checked_sub(1)
            .map(|seq| LetterId { seq, ..id.clone() });
        let wanted = Wanted {
            subscription: Some(&id.subscription),
            after: before.as_ref(),
            count: 1,
            bytes: PIECE_BYTES,
        };
        let Read {
            version, letters, ..
        } = self.read(id.partition, wanted).await?;
        let found = letters.into_iter().find(|letter| letter.id == *id);
        let letter = found.ok_or(OperateError::NotFound)?.letter;
        Ok((version, letter))
    }

    pub(super) async fn read(
        &self,
        partition: PartitionId,
        wanted: Wanted<'_>,
    ) -> Result<Read, OperateError> {
        let Wanted {
            subscription,
            after,
            count,
            bytes,
        } = wanted;
        let prefix = layout::dead_letters(partition, subscription.map(Name::as_str));
        let mut from = after.map_or_else(|| prefix.clone(), LetterId::place);
        if after.is_some() {
            from.push(0);
        }
        let snapshots = &self.shared.versioned.snapshots;
        for _ in 0..TRIES {
            let version = snapshots.version(partition);
            let (of, behind) = (subscription.cloned(), after.cloned());
            let recent = self.operate(move |engine, _| {
                engine.recent_dead_letters(partition, of.as_ref(), behind.as_ref())
            });
            let recent = recent.await?;
            let (newer, gone) = split(recent);
            let view = self.shared.versioned.view.clone();
            let range = (prefix.clone(), from.clone());
            let scan = move || scan(&*view, range, &gone, count, bytes);
            let scanned = spawn_blocking(scan).await;
            let scanned = scanned.map_err(|_| OperateError::Stopped)??;
            if snapshots.version(partition) == version {
                let (mut letters, more) = merge(partition, scanned, newer)?;
                let more = more || letters.len() > count;
                letters.truncate(count);
                return Ok(Read {
                    version,
                    letters,
                    more,
                });
            }
        }
        Err(OperateError::Busy)
    }
}

/// Entries of the view that are not gone.
struct Scanned {
    entries: Vec<(Vec<u8>, Bytes)>,
    /// Up to where the view was read; none if there is no more.
    until: Option<Vec<u8>>,
}

/// Letters by their places in the view.
type Letters = BTreeMap<Vec<u8>, Letter>;

/// Those that are there, and the places of those that are gone.
fn split(recent: Vec<(LetterId, Option<DeadLetter>)>) -> (Letters, BTreeSet<Vec<u8>>) {
    let (mut newer, mut gone) = (Letters::new(), BTreeSet::new());
    for (id, letter) in recent {
        match letter {
            Some(letter) => drop(newer.insert(id.place(), Letter { id, letter })),
            None => drop(gone.insert(id.place())),
        }
    }
    (newer, gone)
}

fn scan(
    view: &dyn View,
    (prefix, mut from): (Vec<u8>, Vec<u8>),
    gone: &BTreeSet<Vec<u8>>,
    count: usize,
    bytes_max: usize,
) -> Result<Scanned, Error> {
    let (mut entries, mut bytes) = (Vec::new(), 0);
    loop {
        let slice = view.scan(&prefix, &from, SCAN_COUNT)?;
        let ended = slice.len() < SCAN_COUNT;
        if let Some((last, _)) = slice.last() {
            from.clone_from(last);
            from.push(0);
        }
        for (place, value) in slice {
            if !gone.contains(&place) {
                bytes += value.len();
                entries.push((place, value));
            }
        }
        if ended || entries.len() >= count || bytes >= bytes_max {
            let until = (!ended).then_some(from);
            return Ok(Scanned { entries, until });
        }
    }
}

/// The letters of the view with those that are newer, as far as the view was read; and whether
/// there may be more.
fn merge(
    partition: PartitionId,
    Scanned { entries, until }: Scanned,
    mut letters: Letters,
) -> Result<(Vec<Letter>, bool), Error> {
    if let Some(until) = &until {
        letters.split_off(until);
    }
    for (place, value) in entries {
        letters.insert(place, decode(partition, &value)?);
    }
    Ok((letters.into_values().collect(), until.is_some()))
}

fn decode(partition: PartitionId, value: &[u8]) -> Result<Letter, Error> {
    let letter = dead_letters::read(value);
    let letter = letter.map_err(|cause| Error::new("read a dead letter", cause))?;
    let id = LetterId {
        partition,
        subscription: letter.subscription.clone(),
        seq: letter.seq,
    };
    Ok(Letter { id, letter })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use wasmill_model::{Message, MessageId, Millis};
    use wasmill_port::store::Change;
    use wasmill_store::Memory;

    use super::*;

    fn letter(seq: u64) -> Letter {
        let message = Message {
            id: MessageId(seq.into()),
            topic: "a".into(),
            key: None,
            tag: None,
            headers: Vec::new(),
            body: Bytes::new(),
            produced_at: Millis(0),
            correlation: MessageId(seq.into()),
            causation: None,
            timer: None,
        };
        let letter = DeadLetter {
            seq,
            subscription: "s".into(),
            key: None,
            message: Arc::new(message),
            attempts: 1,
            cause: String::new(),
            at: Millis(0),
        };
        let id = LetterId {
            partition: PartitionId(0),
            subscription: "s".into(),
            seq,
        };
        Letter { id, letter }
    }

    /// The letters of a view that has these, and an engine that has others and lacks some.
    fn read(stored: &[u64], recent: &[(u64, bool)], count: usize) -> (Vec<u64>, bool) {
        let (_, view) = Memory::new(1).open();
        let put = |seq: &u64| {
            let Letter { id, letter } = letter(*seq);
            Change::put(id.place(), postcard::to_stdvec(&letter).unwrap().into())
        };
        view.write(stored.iter().map(put).collect()).unwrap();
        let recent = recent.iter().map(|(seq, is_there)| {
            let Letter { id, letter } = letter(*seq);
            (id, is_there.then_some(letter))
        });
        let (newer, gone) = split(recent.collect());
        let prefix = layout::dead_letters(PartitionId(0), None);
        let range = (prefix.clone(), prefix);
        let scanned = scan(&view, range, &gone, count, 1 << 20).unwrap();
        let (letters, more) = merge(PartitionId(0), scanned, newer).unwrap();
        (letters.iter().map(|letter| letter.id.seq).collect(), more)
    }

    #[test]
    fn what_is_newer_is_merged_as_far_as_the_view_was_read() {
        let recent = [(2, false), (3, true), (99, true)];
        assert_eq!(read(&[1, 2, 5], &recent, 9), (vec![1, 3, 5, 99], false));
        assert_eq!(read(&[], &recent, 9), (vec![3, 99], false));
        // Those that are gone do not count.
        let stored: Vec<u64> = (0..40).collect();
        let gone: Vec<_> = (0..30).map(|seq| (seq, false)).collect();
        assert_eq!(read(&stored, &gone, 1), (vec![30, 31], true));
        assert_eq!(read(&stored, &gone, 99), ((30..40).collect(), false));
    }
}
