//! What was trimmed and overwritten gives its space back, and sled keeps all in files it syncs.

use std::{fs, path::Path};

use rand::{Rng, SeedableRng, rngs::StdRng};
use wasmill_port::store::{Change, Log, View};
use wasmill_store::KEY_BYTES_MAX;

use crate::fixture::{OnDisk, Store, bytes};

fn megabytes(path: &Path) -> u64 {
    fs::metadata(path).unwrap().len() / 1_000_000
}

fn blobs(database: &Path) -> usize {
    fs::read_dir(database.join("blobs")).unwrap().count()
}

#[test]
fn trimmed_blocks_give_their_space_back_while_the_view_changes() {
    const WINDOW: u64 = 100;
    let store = OnDisk::new();
    let (mut log, view) = store.open();
    let epoch = log.acquire().unwrap().epoch;
    let mut rng = StdRng::seed_from_u64(1);
    for number in 0..1_500 {
        log.append(epoch, number, &bytes(50_000, number)).unwrap();
        if number % 20 == 19 {
            let key = |rng: &mut StdRng| format!("{}", rng.random_range(0..2_000)).into_bytes();
            let put = |i| Change::put(key(&mut rng), bytes(200, i));
            view.checkpoint((0..100).map(put).collect()).unwrap();
            log.trim(number.saturating_sub(WINDOW)).unwrap();
        }
    }
    let db = store.scratch.path().join("db");
    let (log_mb, view_mb) = (
        megabytes(&db.join("log/db")),
        megabytes(&db.join("view/db")),
    );
    println!("log {log_mb} MB, view {view_mb} MB");
    // 75 MB were appended, 5 MB are kept.
    assert!(log_mb < 40, "{log_mb} MB");
    assert!(view_mb < 40, "{view_mb} MB");
    assert_eq!(blobs(&db.join("log")), 0);
}

#[test]
fn no_order_of_writes_makes_sled_write_files_that_it_does_not_sync() {
    let store = OnDisk::new();
    let (_log, view) = store.open();
    let mut rng = StdRng::seed_from_u64(2);
    for _ in 0..600 {
        // The longest keys and chunks there are, in few nodes.
        let mut key = vec![1; KEY_BYTES_MAX];
        key[KEY_BYTES_MAX - 1] = rng.random_range(0..24);
        view.write(vec![match rng.random_range(0..6) {
            0 => Change::delete(key),
            1 => Change::put(key, bytes(150_000, 1)),
            _ => Change::put(key, bytes(49_152, 2)),
        }])
        .unwrap();
    }
    view.checkpoint(Vec::new()).unwrap();
    assert_eq!(blobs(&store.scratch.path().join("db/view")), 0);
}
