//! The store in memory fails where it is told to, and forgets no more than a real one may.

use std::collections::BTreeMap;

use rand::{Rng, SeedableRng, rngs::StdRng};
use wasmill_port::store::{AppendError, Change, Log, View};
use wasmill_store::{Fault, Memory, MemoryView};

use crate::differential::{apply, change};

#[test]
fn a_failed_append_is_resolved_by_acquiring() {
    for (fault, next) in [(Fault::Before, 0), (Fault::After, 1)] {
        let memory = Memory::new(1);
        let (mut log, view) = memory.open();
        let epoch = log.acquire().unwrap().epoch;
        memory.fail_at(memory.operations(), fault);
        assert!(matches!(
            log.append(epoch, 0, b"block"),
            Err(AppendError::Unknown(_))
        ));
        assert!(
            view.get(b"key").is_err(),
            "nothing works until the log is acquired"
        );
        assert!(matches!(
            log.append(epoch, next, b"next"),
            Err(AppendError::Fenced)
        ));
        assert_eq!(log.acquire().unwrap().next, next);
        assert_eq!(log.read(0).unwrap().is_some(), fault == Fault::After);
        assert!(view.get(b"key").is_ok());
    }
}

#[test]
fn a_second_log_fences_the_first() {
    let memory = Memory::new(1);
    let ((mut first, _), (mut second, _)) = (memory.open(), memory.open());
    let (old, new) = (first.acquire().unwrap(), second.acquire().unwrap());
    assert!(matches!(
        first.append(old.epoch, 0, b"late"),
        Err(AppendError::Fenced)
    ));
    second.append(new.epoch, 0, b"fine").unwrap();
}

#[test]
fn handles_from_before_a_crash_are_of_no_use() {
    let memory = Memory::new(1);
    let (mut log, view) = memory.open();
    let epoch = log.acquire().unwrap().epoch;
    let restarted = memory.crash(2);
    assert!(matches!(
        log.append(epoch, 0, b"ghost"),
        Err(AppendError::Unknown(_))
    ));
    assert!(view.checkpoint(Vec::new()).is_err());
    assert_eq!(restarted.open().0.acquire().unwrap().next, 0);
}

#[test]
fn what_was_written_may_survive_a_crash_in_part() {
    let written = |key: u8| Change::put(vec![key], vec![key].into());
    let survivors = |seed| {
        let memory = Memory::new(1);
        memory
            .open()
            .1
            .write((0..16).map(written).collect())
            .unwrap();
        memory
            .crash(seed)
            .open()
            .1
            .scan(b"", b"", 99)
            .unwrap()
            .len()
    };
    assert!((0..20).any(|seed| (1..16).contains(&survivors(seed))));
    assert_eq!(survivors(5), survivors(5));
}

/// What the view may hold: `durable`, and any of `volatile` on top of it.
struct Model {
    durable: BTreeMap<Vec<u8>, bytes::Bytes>,
    volatile: Vec<Change>,
}

impl Model {
    fn allows(&self, key: &[u8], value: Option<&bytes::Bytes>) -> bool {
        let mut written = self.volatile.iter().filter(|change| change.key == key);
        self.durable.get(key) == value || written.any(|change| change.value.as_ref() == value)
    }

    /// Checks what is there after the store stopped during a checkpoint of `changes` or another
    /// operation, and goes on from it.
    fn resume(&mut self, view: &MemoryView, changes: &[Change], context: &str) {
        let found: BTreeMap<_, _> = view
            .scan(b"", b"", usize::MAX)
            .unwrap()
            .into_iter()
            .collect();
        let mut after = self.durable.clone();
        apply(&mut after, &self.volatile);
        apply(&mut after, changes);
        let keys: Vec<_> = after
            .keys()
            .chain(self.durable.keys())
            .chain(self.volatile.iter().map(|change| &change.key))
            .chain(found.keys())
            .collect();
        let before = keys.iter().all(|key| self.allows(key, found.get(*key)));
        assert!(
            found == after || before,
            "neither before nor after: {context}"
        );
        (self.durable, self.volatile) = (found, Vec::new());
    }
}

#[test]
fn whatever_operation_fails_a_checkpoint_is_whole_and_nothing_durable_is_lost() {
    for seed in 0..60 {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut memory = Memory::new(seed);
        let mut model = Model {
            durable: BTreeMap::new(),
            volatile: Vec::new(),
        };
        let (mut log, mut view) = memory.open();
        log.acquire().unwrap();
        for step in 0..50 {
            if rng.random_ratio(1, 4) {
                let fault = if rng.random() {
                    Fault::Before
                } else {
                    Fault::After
                };
                memory.fail_at(memory.operations() + rng.random_range(0..3), fault);
            }
            let changes: Vec<_> = (0..rng.random_range(1..5))
                .map(|_| change(&mut rng))
                .collect();
            let context = format!("step {step}, seed {seed}");
            if rng.random() {
                let written = view.write(changes.clone());
                model.volatile.extend(changes);
                if written.is_err() {
                    acquire(&memory, &mut log);
                    model.resume(&view, &[], &context);
                }
            } else if view.checkpoint(changes.clone()).is_ok() {
                let volatile = std::mem::take(&mut model.volatile);
                apply(&mut model.durable, &volatile);
                apply(&mut model.durable, &changes);
            } else {
                acquire(&memory, &mut log);
                model.resume(&view, &changes, &context);
            }
            if rng.random_ratio(1, 10) {
                memory = memory.crash(rng.random());
                (log, view) = memory.open();
                log.acquire().unwrap();
                model.resume(&view, &[], &context);
            }
        }
    }
}

/// Acquires after a failure. Faults still to come must not hit what the test checks with.
fn acquire(memory: &Memory, log: &mut impl Log) {
    for _ in 0..3 {
        if log.acquire().is_ok() {
            break;
        }
    }
    // Reads count as operations too: these use up a fault that is left.
    for _ in 0..3 {
        let _ = memory.open().1.get(b"");
    }
}
