//! The sweep of claims whose time is over: those of producers, and those in keys' states.
//!
//! It is done on the view's thread, after a checkpoint, and in proportion to what that wrote. Nobody
//! else writes the view, so nothing comes between what a sweep reads and what it deletes.

use std::ops::Range;

use wasmill_engine::expiry::Expiry;
use wasmill_engine::{Claimed, Write, claims, layout};
use wasmill_model::{Millis, PartitionId};
use wasmill_port::store::{Change, Error, View};

/// Claims that a sweep looks at, beside those that others made room for.
const SWEEP_COUNT_MIN: usize = 64;
/// Producers' claims that a sweep looks at for each new one. With four of them, those whose time is
/// over are at most a third of those in force.
const SWEPT_BY_CLAIM: usize = 4;
/// Claims in states that a sweep deletes for each new one: what it looks at is over, and with two
/// it catches up.
const SWEPT_BY_STATE_CLAIM: usize = 2;

/// Claims that are looked at in one go.
const SLICE_COUNT: usize = 256;

/// Deletes claims whose time is over: goes through those of producers round and round, and takes
/// those in states by their times.
#[derive(Debug)]
pub struct Sweeper {
    /// Where each partition's sweep of producers' claims goes on.
    next: Vec<Vec<u8>>,
}

impl Sweeper {
    /// One that begins anew in each of so many partitions.
    #[must_use]
    pub fn new(partitions: u16) -> Self {
        Self {
            next: vec![Vec::new(); usize::from(partitions)],
        }
    }

    /// Deletes what is over at `now` among the next claims of some partitions, with so many new
    /// ones each. Only who writes the view may do so, and with no time later than that of the
    /// last sealed block: no recovery goes back behind that.
    ///
    /// # Errors
    /// [`Error`] if the view fails, or has a claim that does not read back.
    pub fn sweep(
        &mut self,
        view: &impl View,
        partitions: Range<u16>,
        claimed: &[Claimed],
        now: Millis,
    ) -> Result<(), Error> {
        for (index, claimed) in partitions.zip(claimed) {
            let by_producers = SWEEP_COUNT_MIN + SWEPT_BY_CLAIM * claimed.by_producers;
            in_slices(by_producers, |count| {
                self.sweep_slice(view, index, count, now)
            })?;
            let in_states = SWEEP_COUNT_MIN + SWEPT_BY_STATE_CLAIM * claimed.in_states;
            let id = PartitionId(index);
            in_slices(in_states, |count| sweep_states(view, id, count, now))?;
        }
        Ok(())
    }

    /// Sweeps so many of a partition's producers' claims. False if it came to their end: the next sweep
    /// begins anew.
    fn sweep_slice(
        &mut self,
        view: &impl View,
        partition: u16,
        count: usize,
        now: Millis,
    ) -> Result<bool, Error> {
        let prefix = layout::claims(PartitionId(partition));
        let next = &mut self.next[usize::from(partition)];
        let entries = view.scan(&prefix, next.as_slice().max(&prefix), count)?;
        next.clear();
        let goes_on = entries.len() == count;
        if let Some((last, _)) = entries.last()
            && goes_on
        {
            next.extend_from_slice(last);
            next.push(0);
        }
        let entries = entries.iter().map(|(key, value)| (&key[..], &value[..]));
        write(view, claims::sweep(entries, now).map_err(damaged)?)?;
        Ok(goes_on)
    }
}

/// Calls `sweep` with slices of `count`, until it says that there is no more.
fn in_slices(
    count: usize,
    mut sweep: impl FnMut(usize) -> Result<bool, Error>,
) -> Result<(), Error> {
    let mut rest = count;
    while rest > 0 && sweep(rest.min(SLICE_COUNT))? {
        rest = rest.saturating_sub(SLICE_COUNT);
    }
    Ok(())
}

/// Deletes so many of the claims in a partition's states. False if no more are over.
fn sweep_states(
    view: &impl View,
    partition: PartitionId,
    count: usize,
    now: Millis,
) -> Result<bool, Error> {
    let prefix = layout::expiries(partition);
    let entries = view.scan(&prefix, &prefix, count)?;
    let goes_on = entries.len() == count;
    let mut writes = Vec::new();
    for (key, _) in entries {
        let expiry = Expiry::read(&key).map_err(damaged)?;
        if !expiry.is_over(now) {
            write(view, writes)?;
            return Ok(false);
        }
        let value = view.get(expiry.claim())?;
        writes.extend(expiry.sweep(value.as_deref(), now));
    }
    write(view, writes)?;
    Ok(goes_on)
}

fn write(view: &impl View, writes: Vec<Write>) -> Result<(), Error> {
    if writes.is_empty() {
        return Ok(());
    }
    let changes = writes.into_iter().map(|it| Change {
        key: it.key,
        value: it.value,
    });
    view.write(changes.collect())
}

fn damaged(cause: wasmill_engine::codec::DecodeError) -> Error {
    Error::new("read a claim to sweep", cause)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use wasmill_model::effects::Scope;
    use wasmill_model::{Claim, MessageId, reserved};
    use wasmill_store::{Memory, MemoryView};

    use super::*;

    /// The claims of partition 1 of 2 after a sweep at time 10, by when they are over.
    fn swept(sweeper: &mut Sweeper, view: &MemoryView, claimed: usize) -> Vec<u64> {
        let claimed = Claimed {
            by_producers: claimed,
            in_states: 0,
        };
        sweeper.sweep(view, 1..2, &[claimed], Millis(10)).unwrap();
        let prefix = layout::claims(PartitionId(1));
        let entries = view.scan(&prefix, &prefix, usize::MAX).unwrap();
        let claims = entries
            .iter()
            .map(|(_, value)| claims::read(value).unwrap());
        claims.map(|claim| claim.expires.0).collect()
    }

    #[test]
    fn sweeps_go_on_where_the_last_one_ended_and_begin_anew() {
        let (_, view) = Memory::new(1).open();
        let put = |nth: u64, expires| {
            let claim = Claim {
                id: nth.into(),
                content: 0,
                message: MessageId(0),
                expires: Millis(expires),
            };
            let mut key = layout::claims(PartitionId(1));
            key.extend_from_slice(&claim.id.to_be_bytes());
            let value = postcard::to_stdvec(&claim).unwrap();
            view.write(vec![Change::put(key, value.into())]).unwrap();
        };
        // Every other one is over.
        (0..200).for_each(|nth| put(nth, if nth % 2 == 0 { 10 } else { 11 }));
        let mut sweeper = Sweeper::new(2);
        assert_eq!(swept(&mut sweeper, &view, 0).len(), 200 - 32);
        assert_eq!(swept(&mut sweeper, &view, 0).len(), 200 - 64);
        put(0, 10);
        // To the end, and from the beginning.
        assert_eq!(swept(&mut sweeper, &view, 1_000).len(), 101);
        assert_eq!(swept(&mut sweeper, &view, 0), [11; 100]);
    }

    /// Claims an id in the state of `plugin` until a time, as a checkpoint writes it.
    fn claim(view: &MemoryView, plugin: &str, id: &str, until: u64) {
        let scope = Scope {
            plugin: plugin.into(),
            key: "k".into(),
        };
        let partition = PartitionId(1);
        let place = layout::state(partition, &scope, &reserved::claim(id));
        let expiry = layout::expiry(partition, Millis(until), &place);
        let claim = Change::put(place, reserved::claim_until(Millis(until)));
        view.write(vec![Change::put(expiry, Bytes::new()), claim])
            .unwrap();
    }

    fn count(view: &MemoryView, prefix: &[u8]) -> usize {
        view.scan(prefix, prefix, usize::MAX).unwrap().len()
    }

    #[test]
    fn claims_of_whomever_are_swept_a_bounded_number_at_once_and_none_that_is_in_force() {
        let (_, view) = Memory::new(1).open();
        for nth in 0..100 {
            claim(&view, "gone", &nth.to_string(), 9);
            claim(&view, "plugin@host", &nth.to_string(), 10);
        }
        claim(&view, "plugin", "in force", 11);
        claim(&view, "plugin", "anew", 9);
        claim(&view, "plugin", "anew", 12);
        let sweep = |claimed| {
            let claimed = Claimed {
                by_producers: 0,
                in_states: claimed,
            };
            let mut sweeper = Sweeper::new(2);
            sweeper.sweep(&view, 1..2, &[claimed], Millis(10)).unwrap();
            let expiries = layout::expiries(PartitionId(1));
            (count(&view, b"s"), count(&view, &expiries))
        };
        // The first one that is over was made anew: only what said so goes.
        let [(claims, expiries), expected] = [sweep(0), (202, 203)];
        assert_eq!(expiries, expected.1 - SWEEP_COUNT_MIN);
        assert!(claims <= expected.0 - SWEEP_COUNT_MIN + 1, "{claims}");
        assert_eq!(sweep(200), (2, 2));
        assert_eq!(sweep(200), (2, 2));
    }
}
