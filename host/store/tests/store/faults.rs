//! The store in memory fails where it is told to, and forgets no more than a real one may.

use std::collections::BTreeMap;

use rand::{Rng, SeedableRng, rngs::StdRng};
use wasmill_port::store::{AppendError, Change, Error, Log, View};
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

/// What the view may hold after a crash: `durable`, and what was written since up to some point.
#[derive(Default)]
struct Model {
    durable: BTreeMap<Vec<u8>, bytes::Bytes>,
    /// Each is kept or lost as a whole.
    volatile: Vec<Vec<Change>>,
}

impl Model {
    fn sync(&mut self) {
        for changes in self.volatile.drain(..) {
            apply(&mut self.durable, &changes);
        }
    }

    /// Checks what is there after the store stopped, and goes on from it.
    fn resume(&mut self, view: &MemoryView, context: &str) {
        let found = view.scan(b"", b"", usize::MAX).unwrap();
        let found: BTreeMap<_, _> = found.into_iter().collect();
        let mut survivors = self.durable.clone();
        let mut fits = survivors == found;
        for changes in self.volatile.drain(..) {
            apply(&mut survivors, &changes);
            fits |= survivors == found;
        }
        assert!(fits, "not what was there at any time since: {context}");
        self.durable = found;
    }
}

#[test]
fn whatever_operation_fails_a_commit_is_whole_and_nothing_durable_is_lost() {
    for seed in 0..60 {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut memory = Memory::new(seed);
        let mut model = Model::default();
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
            let context = format!("step {step}, seed {seed}");
            if operate(&view, &mut model, &mut rng).is_err() {
                acquire(&memory, &mut log);
                model.resume(&view, &context);
            }
            if rng.random_ratio(1, 10) {
                memory = memory.crash(rng.random());
                (log, view) = memory.open();
                log.acquire().unwrap();
                model.resume(&view, &context);
            }
        }
    }
}

fn operate(view: &MemoryView, model: &mut Model, rng: &mut StdRng) -> Result<(), Error> {
    let changes: Vec<_> = (0..rng.random_range(1..5)).map(|_| change(rng)).collect();
    match rng.random_range(0..4) {
        0 | 1 => {
            model
                .volatile
                .extend(changes.iter().map(|it| vec![it.clone()]));
            view.write(changes)
        }
        2 => {
            model.volatile.push(changes.clone());
            view.commit(changes)
        }
        _ => {
            view.sync()?;
            model.sync();
            Ok(())
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
