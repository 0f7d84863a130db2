//! The contract of the log.

use wasmill_port::store::{Acquired, AppendError, Log};

use crate::fixture::{Store, bytes, contract};

contract!(
    an_empty_log_begins_at_zero,
    acknowledged_blocks_of_any_size_survive_a_restart,
    small_blocks_survive_a_restart_after_any_of_them,
    every_acquisition_has_a_greater_epoch,
    a_former_epoch_is_fenced,
    a_position_that_is_not_the_next_is_fenced,
    nobody_appends_without_acquiring,
    trimmed_blocks_are_gone_and_numbers_go_on,
    trimming_beyond_the_end_empties_the_log,
    a_trim_does_not_go_backward,
);

fn an_empty_log_begins_at_zero(store: &impl Store) {
    let (mut log, _view) = store.open();
    assert_eq!(
        log.acquire().unwrap(),
        Acquired {
            epoch: 1,
            first: 0,
            next: 0
        }
    );
    assert_eq!(log.read(0).unwrap(), None);
}

fn acknowledged_blocks_of_any_size_survive_a_restart(store: &impl Store) {
    let sizes = [0, 1, 49_131, 49_132, 49_133, 50_000, 1_000_000];
    let (mut log, view) = store.open();
    let acquired = log.acquire().unwrap();
    for (number, size) in (0..).zip(sizes) {
        log.append(acquired.epoch, number, &bytes(size, number))
            .unwrap();
    }
    drop((log, view));
    let (mut log, _view) = store.open();
    assert_eq!(
        log.acquire().unwrap(),
        Acquired {
            epoch: 2,
            first: 0,
            next: 7
        }
    );
    for (number, size) in (0..).zip(sizes) {
        assert_eq!(
            log.read(number).unwrap().unwrap(),
            bytes(size, number),
            "block {number}"
        );
    }
    assert_eq!(log.read(7).unwrap(), None);
}

/// Small blocks wait for each other to fill a chunk: a restart may come before or after.
fn small_blocks_survive_a_restart_after_any_of_them(store: &impl Store) {
    let sizes = [
        10, 12_288, 300, 12_289, 8_000, 8_000, 8_000, 8_000, 8_000, 100_000, 0, 40_000,
    ];
    let size = |number: u64| sizes[number as usize % sizes.len()];
    for number in 0..2 * sizes.len() as u64 {
        let (mut log, _view) = store.open();
        let all_read = |log: &_| {
            let log: &dyn Log = log;
            for earlier in 0..number {
                let expected = bytes(size(earlier), earlier);
                assert_eq!(log.read(earlier).unwrap().unwrap(), expected, "{earlier}");
            }
            assert_eq!(log.read(number).unwrap(), None);
        };
        all_read(&log);
        let acquired = log.acquire().unwrap();
        all_read(&log);
        assert_eq!((acquired.first, acquired.next), (0, number));
        let block = bytes(size(number), number);
        log.append(acquired.epoch, number, &block).unwrap();
    }
    // So many that an entry for each is too many.
    let (mut log, view) = store.open();
    let acquired = log.acquire().unwrap();
    for number in acquired.next..acquired.next + 300 {
        log.append(acquired.epoch, number, &bytes(3, number))
            .unwrap();
    }
    drop((log, view));
    let (mut log, _view) = store.open();
    assert_eq!(log.acquire().unwrap().next, acquired.next + 300);
    for number in acquired.next..acquired.next + 300 {
        assert_eq!(
            log.read(number).unwrap().unwrap(),
            bytes(3, number),
            "{number}"
        );
    }
}

fn every_acquisition_has_a_greater_epoch(store: &impl Store) {
    let mut last = 0;
    for _ in 0..3 {
        let (mut log, _view) = store.open();
        for _ in 0..2 {
            let epoch = log.acquire().unwrap().epoch;
            assert!(epoch > last);
            last = epoch;
        }
    }
}

fn a_former_epoch_is_fenced(store: &impl Store) {
    let (mut log, _view) = store.open();
    let former = log.acquire().unwrap();
    let acquired = log.acquire().unwrap();
    assert!(matches!(
        log.append(former.epoch, 0, b"late"),
        Err(AppendError::Fenced)
    ));
    log.append(acquired.epoch, 0, b"fine").unwrap();
    assert_eq!(log.read(0).unwrap().unwrap(), "fine");
}

fn a_position_that_is_not_the_next_is_fenced(store: &impl Store) {
    let (mut log, _view) = store.open();
    let epoch = log.acquire().unwrap().epoch;
    assert!(matches!(
        log.append(epoch, 1, b"early"),
        Err(AppendError::Fenced)
    ));
    log.append(epoch, 0, b"fine").unwrap();
    assert!(matches!(
        log.append(epoch, 0, b"again"),
        Err(AppendError::Fenced)
    ));
    assert_eq!(log.read(0).unwrap().unwrap(), "fine");
}

fn nobody_appends_without_acquiring(store: &impl Store) {
    let (mut log, view) = store.open();
    let epoch = log.acquire().unwrap().epoch;
    drop((log, view));
    let (mut log, _view) = store.open();
    assert!(matches!(
        log.append(epoch, 0, b"stale"),
        Err(AppendError::Fenced)
    ));
}

fn trimmed_blocks_are_gone_and_numbers_go_on(store: &impl Store) {
    let (mut log, view) = store.open();
    let epoch = log.acquire().unwrap().epoch;
    for number in 0..100 {
        log.append(epoch, number, &bytes(60_000, number)).unwrap();
    }
    log.trim(90).unwrap();
    assert_eq!(log.read(89).unwrap(), None);
    assert_eq!(log.read(90).unwrap().unwrap(), bytes(60_000, 90));
    // An append makes what was done before it durable.
    log.append(epoch, 100, b"after").unwrap();
    drop((log, view));
    let (mut log, _view) = store.open();
    assert_eq!(
        log.acquire().unwrap(),
        Acquired {
            epoch: epoch + 1,
            first: 90,
            next: 101
        }
    );
    assert_eq!(log.read(89).unwrap(), None);
    assert_eq!(log.read(90).unwrap().unwrap(), bytes(60_000, 90));
}

fn trimming_beyond_the_end_empties_the_log(store: &impl Store) {
    let (mut log, view) = store.open();
    let epoch = log.acquire().unwrap().epoch;
    for number in 0..3 {
        log.append(epoch, number, b"block").unwrap();
    }
    log.trim(1_000).unwrap();
    assert_eq!(
        log.acquire().unwrap(),
        Acquired {
            epoch: epoch + 1,
            first: 3,
            next: 3
        }
    );
    drop((log, view));
    let (mut log, _view) = store.open();
    assert_eq!(
        log.acquire().unwrap(),
        Acquired {
            epoch: epoch + 2,
            first: 3,
            next: 3
        }
    );
    log.append(epoch + 2, 3, b"goes on").unwrap();
    assert_eq!(log.read(3).unwrap().unwrap(), "goes on");
}

fn a_trim_does_not_go_backward(store: &impl Store) {
    let (mut log, _view) = store.open();
    let epoch = log.acquire().unwrap().epoch;
    for number in 0..10 {
        log.append(epoch, number, b"block").unwrap();
    }
    log.trim(5).unwrap();
    log.trim(2).unwrap();
    assert_eq!(log.acquire().unwrap().first, 5);
    assert_eq!(log.read(4).unwrap(), None);
}
