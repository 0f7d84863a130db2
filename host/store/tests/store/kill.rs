//! SIGKILL at a random moment: what was acknowledged is there, in order, and nothing is torn.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Write},
    path::Path,
    thread,
};

use rand::{Rng, SeedableRng, rngs::StdRng};
use wasmill_port::store::{BlockNumber, Change, Log, View};
use wasmill_store::{DataDir, Options, Settings, Sled, SledLog, SledView};

use crate::{child, fixture::bytes};

const CYCLES: usize = 12;
const KEPT: u64 = 40;
const KEYS: u64 = 150;

#[test]
fn acknowledged_blocks_and_checkpoints_survive_a_kill() {
    let seed = crate::fixture::seed();
    println!("seed {seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    let scratch = tempfile::tempdir().unwrap();
    let mut acknowledged = HashMap::new();
    for cycle in 0..CYCLES {
        let mut child = child::command("kill::appending", scratch.path())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut note = |line: String| {
            // Whatever is not one of the child's lines is the test harness's.
            if let Some((what, number)) = line.split_once(' ')
                && let Ok(number) = number.parse::<u64>()
            {
                acknowledged.insert(what.to_owned(), number);
            }
        };
        lines
            .by_ref()
            .take(rng.random_range(5..150))
            .for_each(|line| note(line.unwrap()));
        child.kill().unwrap();
        child.wait().unwrap();
        lines.for_each(|line| note(line.unwrap()));
        let context = format!("cycle {cycle}, seed {seed}");
        let (mut log, view) = open(scratch.path());
        check_log(&mut log, acknowledged.get("block").copied(), &context);
        check_view(&view, acknowledged.get("checkpoint").copied(), &context);
    }
    assert!(
        acknowledged["block"] > 100 && acknowledged["checkpoint"] > 5,
        "{acknowledged:?}"
    );
}

fn open(path: &Path) -> (SledLog, SledView) {
    let dir = DataDir::open(path, Settings::default()).unwrap();
    Sled::open(&dir, &Options::default()).unwrap()
}

/// Mostly small, as those of a host are that is not busy; some as large as two chunks.
fn block(number: BlockNumber) -> bytes::Bytes {
    let max = if number % 8 == 7 { 130_000 } else { 13_000 };
    bytes(usize::try_from(number * 7_919 % max).unwrap(), number)
}

fn check_log(log: &mut SledLog, acknowledged: Option<u64>, context: &str) {
    let acquired = log.acquire().unwrap();
    assert!(
        acquired.next >= acknowledged.map_or(0, |number| number + 1),
        "{context}"
    );
    assert!(
        acquired.first <= acquired.next.saturating_sub(KEPT),
        "{context}"
    );
    for number in acquired.first..acquired.next {
        assert!(
            log.read(number).unwrap() == Some(block(number)),
            "block {number}, {context}"
        );
    }
    assert_eq!(log.read(acquired.next).unwrap(), None, "{context}");
}

fn check_view(view: &SledView, acknowledged: Option<u64>, context: &str) {
    let Some(round) = view.get(b"round").unwrap() else {
        return assert_eq!(acknowledged, None, "{context}");
    };
    let round = u64::from_le_bytes(round.as_ref().try_into().unwrap());
    assert!(
        acknowledged.is_none_or(|acknowledged| round >= acknowledged),
        "{context}"
    );
    let found = view.scan(b"key/", b"", usize::MAX).unwrap();
    let expected = changes(round).into_iter().filter_map(|change| {
        let value = change.value.filter(|_| change.key != b"round")?;
        Some((change.key, value))
    });
    assert!(
        found.into_iter().eq(expected),
        "checkpoint {round} is torn, {context}"
    );
}

/// A checkpoint in which everything tells the round: some keys large, some deleted.
fn changes(round: u64) -> Vec<Change> {
    let key = |i| format!("key/{i:03}").into_bytes();
    let change = |i| match (i + round) % 50 {
        0 => Change::delete(key(i)),
        1 => Change::put(key(i), bytes(90_000, round << 10 | i)),
        _ => Change::put(key(i), bytes(200, round << 10 | i)),
    };
    let marker = Change::put(b"round".to_vec(), round.to_le_bytes().to_vec().into());
    (0..KEYS).map(change).chain([marker]).collect()
}

#[test]
fn appending() {
    let Some(directory) = child::directory() else {
        return;
    };
    let (mut log, view) = open(&directory);
    let say = |what: &str, number: u64| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{what} {number}")
            .and_then(|()| out.flush())
            .unwrap();
    };
    let last = view.get(b"round").unwrap();
    let last = last.map_or(0, |round| {
        u64::from_le_bytes(round.as_ref().try_into().unwrap())
    });
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in last + 1.. {
                view.checkpoint(changes(round)).unwrap();
                say("checkpoint", round);
            }
        });
        let acquired = log.acquire().unwrap();
        for number in acquired.next.. {
            log.append(acquired.epoch, number, &block(number)).unwrap();
            say("block", number);
            log.trim((number + 1).saturating_sub(KEPT)).unwrap();
        }
    });
}
