//! A file that may not grow: appends and checkpoints fail with a remedy, nothing acknowledged is
//! lost, and with room again all goes on in the same process.

use std::path::Path;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use wasmill_port::store::{AppendError, Change, Log, View};
use wasmill_store::{DataDir, Options, Settings, Sled, SledLog, SledView};

use crate::{child, fixture::bytes};

const LIMIT: u64 = 24 * 1024 * 1024;
/// Many chunks each, so that the limit comes amid a block.
const BLOCK_BYTES: usize = 1_300_000;

#[test]
fn a_full_disk_loses_nothing_and_is_survived() {
    let scratch = tempfile::tempdir().unwrap();
    let output = child::command("disk_full::filling", scratch.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    let (mut log, view) = open(scratch.path());
    let acquired = log.acquire().unwrap();
    let appended = said
        .lines()
        .filter(|line| line.starts_with("appended "))
        .count() as u64;
    assert!(
        appended > 3 && acquired.next >= appended,
        "{appended} of {acquired:?}"
    );
    for number in 0..acquired.next {
        assert_eq!(
            log.read(number).unwrap().unwrap(),
            bytes(BLOCK_BYTES, number)
        );
    }
    assert_eq!(view.get(b"after").unwrap().unwrap(), "room again");
}

fn open(path: &Path) -> (SledLog, SledView) {
    let dir = DataDir::open(path, Settings::default()).unwrap();
    Sled::open(&dir, &Options::default()).unwrap()
}

fn limit_files(current: Option<u64>) {
    let maximum = getrlimit(Resource::Fsize).maximum;
    setrlimit(Resource::Fsize, Rlimit { current, maximum }).unwrap();
}

#[test]
fn filling() {
    let Some(directory) = child::directory() else {
        return;
    };
    let (mut log, view) = open(&directory);
    let unlimited = getrlimit(Resource::Fsize).current;
    limit_files(Some(LIMIT));

    let mut acquired = log.acquire().unwrap();
    let failure = (acquired.next..).find_map(|number| {
        match log.append(acquired.epoch, number, &bytes(BLOCK_BYTES, number)) {
            Ok(()) => println!("appended {number}"),
            Err(error) => return Some((number, error)),
        }
        None
    });
    let (failed, error) = failure.unwrap();
    let AppendError::Unknown(error) = error else {
        panic!("fenced at {failed}")
    };
    assert!(error.to_string().contains("ulimit -f"), "{error}");
    assert!(matches!(
        log.append(acquired.epoch, failed, b"more"),
        Err(AppendError::Fenced)
    ));

    let fill = |round| view.checkpoint(vec![Change::put(vec![round], bytes(200_000, 1))]);
    let error = (0..200).find_map(|round| fill(round).err()).unwrap();
    assert!(error.to_string().contains("ulimit -f"), "{error}");
    assert!(
        view.get(b"after")
            .unwrap_err()
            .to_string()
            .contains("acquire the log again")
    );

    limit_files(unlimited);
    acquired = log.acquire().unwrap();
    assert!(
        acquired.next == failed || acquired.next == failed + 1,
        "{acquired:?} at {failed}"
    );
    for number in 0..acquired.next {
        assert_eq!(
            log.read(number).unwrap().unwrap(),
            bytes(BLOCK_BYTES, number)
        );
    }
    log.append(
        acquired.epoch,
        acquired.next,
        &bytes(BLOCK_BYTES, acquired.next),
    )
    .unwrap();
    println!("appended {}", acquired.next);
    view.checkpoint(vec![Change::put(b"after".to_vec(), "room again".into())])
        .unwrap();
}
