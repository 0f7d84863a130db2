//! Goes through a recording, and opens the store on what is left wherever a test cuts.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

use tempfile::{TempDir, tempdir};

use crate::{
    disk::{Disk, Loss},
    model::Model,
    recorder::{Event, Operation},
    scenario::Scenario,
};

/// One recording at a time: the recorder is the process's.
static RECORDING: Mutex<()> = Mutex::new(());

/// Another seed every time, printed.
pub(crate) fn seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let seed = now.expect("after 1970").as_micros() as u64;
    println!("seed {seed}");
    seed
}

/// Where a test has the power cut.
pub(crate) struct Cuts {
    model: Model,
    place: String,
    cuts: SyncSender<Cut>,
}

struct Cut {
    place: String,
    /// What is left.
    directory: TempDir,
    model: Model,
}

impl Cuts {
    /// Cuts here: the store is opened on what is left, elsewhere.
    pub(crate) fn check(&mut self, what: &str, disk: &Disk, loss: Loss<'_>) {
        let directory = tempdir().expect("a temporary directory");
        disk.cut(loss, directory.path()).expect("room for it");
        let cut = Cut {
            place: format!("{}, {what}", self.place),
            directory,
            model: self.model.clone(),
        };
        self.cuts
            .send(cut)
            .expect("the threads that check are there");
    }
}

/// Records the scenario, does it again operation by operation on `disk`, asks `cut` after each
/// whether to cut there, and returns what was wrong after the cuts. Before a sync is done, and
/// after any other operation.
pub(crate) fn failures(
    scenario: Scenario,
    mut disk: Disk,
    mut cut: impl FnMut(&Disk, &Operation, &mut Cuts),
) -> Vec<String> {
    let events = {
        let _recording = RECORDING.lock().unwrap_or_else(PoisonError::into_inner);
        let directory = tempdir().expect("a temporary directory");
        scenario.record(directory.path())
    };
    let (sender, receiver) = sync_channel(2);
    let (receiver, failures, checked) =
        (Mutex::new(receiver), Mutex::default(), AtomicUsize::new(0));
    let mut cuts = Cuts {
        model: Model::new(scenario),
        place: String::new(),
        cuts: sender,
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| check_all(&receiver, &failures, &checked));
        }
        for (number, event) in events.iter().enumerate() {
            match event {
                Event::Note(fact) => cuts.model.learn(fact),
                Event::File(operation) => {
                    cuts.place = format!("at event {number} of {}", events.len());
                    let syncs = matches!(operation, Operation::Sync { .. });
                    if syncs {
                        cut(&disk, operation, &mut cuts);
                    }
                    disk.perform(operation);
                    if !syncs {
                        cut(&disk, operation, &mut cuts);
                    }
                }
            }
        }
        drop(cuts);
    });
    println!("{} events, {} cuts", events.len(), checked.into_inner());
    failures
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner)
}

fn check_all(cuts: &Mutex<Receiver<Cut>>, failures: &Mutex<Vec<String>>, checked: &AtomicUsize) {
    loop {
        let next = cuts.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Cut {
            place,
            directory,
            model,
        }) = next
        else {
            return;
        };
        checked.fetch_add(1, Ordering::Relaxed);
        if let Err(failure) = model.check(directory.path()) {
            let failure = format!("{place}: {failure}");
            failures
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(failure);
        }
    }
}
