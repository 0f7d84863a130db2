//! The log as it is read beside its writer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use wasmill_port::store::{Blocks, Log};

use crate::fixture::{OnDisk, Store, bytes, contract};

contract!(
    a_reader_sees_the_blocks_that_the_writer_appended,
    a_reader_sees_no_block_that_was_trimmed,
);

/// Small blocks, and some that make packs of their own.
fn size(number: u64) -> usize {
    [10, 300, 12_288, 8_000, 8_000, 100_000, 0][number as usize % 7]
}

/// Reads all blocks from the first one on.
fn read_all(blocks: &dyn Blocks) -> Vec<u64> {
    let mut read = Vec::new();
    let Some(mut next) = blocks.first().unwrap() else {
        return read;
    };
    loop {
        let Some(piece) = blocks.piece(next).unwrap() else {
            match blocks.first().unwrap() {
                // Trimmed meanwhile.
                Some(first) if first > next => next = first,
                _ => return read,
            }
            continue;
        };
        assert!((piece.first..piece.next).contains(&next), "{piece:?}");
        for (number, block) in (piece.first..piece.next).zip(piece.blocks.unwrap()) {
            assert_eq!(block, bytes(size(number), number), "block {number}");
            if number >= next {
                read.push(number);
            }
        }
        next = piece.next;
    }
}

fn a_reader_sees_the_blocks_that_the_writer_appended(store: &impl Store) {
    let (mut log, _view) = store.open();
    let blocks = log.blocks();
    assert_eq!(blocks.first().unwrap(), None);
    assert!(blocks.piece(0).unwrap().is_none());
    let epoch = log.acquire().unwrap().epoch;
    for number in 0..30 {
        log.append(epoch, number, &bytes(size(number), number))
            .unwrap();
        let expected: Vec<_> = (0..=number).collect();
        assert_eq!(read_all(&*blocks), expected);
    }
    assert!(blocks.piece(30).unwrap().is_none());
}

fn a_reader_sees_no_block_that_was_trimmed(store: &impl Store) {
    let (mut log, _view) = store.open();
    let blocks = log.blocks();
    let epoch = log.acquire().unwrap().epoch;
    for number in 0..30 {
        log.append(epoch, number, &bytes(size(number), number))
            .unwrap();
    }
    log.trim(17).unwrap();
    assert_eq!(blocks.first().unwrap(), Some(17));
    assert!(blocks.piece(16).unwrap().is_none());
    assert_eq!(read_all(&*blocks), (17..30).collect::<Vec<_>>());
}

/// Slots are used again while somebody reads: what is read is right, or gone.
#[test]
fn a_reader_is_never_told_of_damage_while_the_writer_trims() {
    const COUNT: u64 = 600;
    let store = OnDisk::new();
    let (mut log, _view) = store.open();
    let epoch = log.acquire().unwrap().epoch;
    let blocks = log.blocks();
    let (appended, over) = (
        Arc::new(AtomicU64::new(0)),
        Arc::new(AtomicBool::new(false)),
    );
    let reader = {
        let (appended, over) = (appended.clone(), over.clone());
        thread::spawn(move || {
            let mut read = 0;
            while !over.load(Ordering::Acquire) {
                // What was appended before is there, or was trimmed.
                let next = appended.load(Ordering::Acquire);
                let numbers = read_all(&*blocks);
                let last = numbers.last().map_or(0, |last| last + 1);
                assert!(last >= next || next == 0, "{last} of {next}");
                read += numbers.len();
            }
            read
        })
    };
    for number in 0..COUNT {
        log.append(epoch, number, &bytes(size(number), number))
            .unwrap();
        appended.store(number + 1, Ordering::Release);
        log.trim(number.saturating_sub(40)).unwrap();
    }
    over.store(true, Ordering::Release);
    assert!(reader.join().unwrap() > 0);
}
