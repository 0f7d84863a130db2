//! Files that are not as we left them.

use std::fs;
use std::time::{Duration, Instant};

use wasmill_port::store::{Change, Log, View};
use wasmill_store::KEY_BYTES_MAX;

use crate::fixture::{OnDisk, Store, bytes};

/// One of the databases as sled sees it.
fn database(store: &OnDisk, name: &str) -> sled::Db {
    let path = store.scratch.path().join("db").join(name);
    let config = sled::Config::new().path(path).segment_size(4 << 20);
    // Background tasks of a database just closed may hold its file a little longer.
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        match config.open() {
            Ok(database) => return database,
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
        std::thread::yield_now();
    }
}

#[test]
fn a_block_with_a_missing_part_is_reported_with_its_number_and_a_remedy() {
    let store = OnDisk::new();
    let (mut log, view) = store.open();
    let epoch = log.acquire().unwrap().epoch;
    for number in 0..3 {
        log.append(epoch, number, &bytes(120_000, number)).unwrap();
    }
    drop((log, view));
    {
        let database = database(&store, "log");
        // Three chunks a block: the last one of the second block.
        let key = [&b"c"[..], &5u32.to_be_bytes()].concat();
        assert!(database.remove(key).unwrap().is_some());
        database.flush().unwrap();
    }
    let (mut log, _view) = store.open();
    assert_eq!(log.acquire().unwrap().next, 3);
    let said = log.read(1).unwrap_err().to_string();
    assert!(
        said.contains("read block 1 in ") && said.contains("chunk 2 is missing"),
        "{said}"
    );
    assert!(said.contains("from a backup"), "{said}");
    assert_eq!(log.read(2).unwrap().unwrap(), bytes(120_000, 2));
    // Whoever reads on is told where.
    let piece = log.blocks().piece(1).unwrap().unwrap();
    assert_eq!((piece.first, piece.next), (1, 2));
    let said = piece.blocks.unwrap_err();
    assert!(said.contains("chunk 2 is missing"), "{said}");
}

#[test]
fn a_small_block_that_is_missing_among_the_last_is_reported_and_not_passed_over() {
    let store = OnDisk::new();
    let (mut log, view) = store.open();
    let epoch = log.acquire().unwrap().epoch;
    for number in 0..4 {
        log.append(epoch, number, &bytes(1_000, number)).unwrap();
    }
    drop((log, view));
    {
        let database = database(&store, "log");
        let tail = database.open_tree("tail").unwrap();
        assert!(tail.remove([1]).unwrap().is_some());
        database.flush().unwrap();
    }
    let (mut log, _view) = store.open();
    let said = log.acquire().unwrap_err().to_string();
    assert!(
        said.contains("block 1 is missing") && said.contains("from a backup"),
        "{said}"
    );
}

#[test]
fn a_snapshot_that_was_being_written_keeps_nothing_from_opening() {
    let store = OnDisk::new();
    drop(store.open());
    let torn = store
        .scratch
        .path()
        .join("db/log/snap.FFFFFFFFFFFFFFFF.generating");
    fs::write(&torn, "half a snap").unwrap();
    drop(store.open());
    assert!(!torn.exists());
}

#[test]
fn a_key_beyond_the_limit_is_refused_and_harms_nothing() {
    let (_log, view) = OnDisk::new().open();
    let key = |len| vec![Change::put(vec![7; len], bytes(10, 1))];
    let said = view.write(key(KEY_BYTES_MAX + 1)).unwrap_err().to_string();
    assert!(
        said.contains("2049 bytes exceeds the limit of 2048"),
        "{said}"
    );
    view.checkpoint(key(KEY_BYTES_MAX)).unwrap();
    assert!(view.get(&[7; KEY_BYTES_MAX]).unwrap().is_some());
}

#[test]
fn chunks_go_with_the_values_that_they_belong_to() {
    let store = OnDisk::new();
    let (log, view) = store.open();
    let put = |key: &str, len| Change::put(key.into(), bytes(len, 1));
    for len in [200_000, 90_000, 10] {
        view.write(
            ["kept", "shrunk", "deleted"]
                .map(|key| put(key, 200_000))
                .to_vec(),
        )
        .unwrap();
        view.write(vec![
            put("shrunk", len),
            Change::delete(b"deleted".to_vec()),
        ])
        .unwrap();
    }
    view.checkpoint(vec![put("kept", 90_000), put("small", 1)])
        .unwrap();
    drop((log, view));
    {
        let database = database(&store, "view");
        // What a crash leaves of a value that was about to be written.
        database.insert(b"s", b"small").unwrap();
        database
            .insert([&b"w\0\x05small\x01"[..], &[0, 0, 0, 1]].concat(), b"chunk")
            .unwrap();
        database.flush().unwrap();
    }
    drop(store.open());
    let mut keys = Vec::new();
    for key in database(&store, "view").iter().keys() {
        keys.push(key.unwrap().to_vec());
    }
    let chunk = [&b"w\0\x04kept\x02"[..], &[0, 0, 0, 1]].concat();
    assert_eq!(
        keys,
        [
            b"vkept".to_vec(),
            b"vshrunk".to_vec(),
            b"vsmall".to_vec(),
            chunk
        ]
    );
}
