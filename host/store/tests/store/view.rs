//! The contract of the view.

use bytes::Bytes;
use wasmill_port::store::{Change, View};

use crate::fixture::{Store, bytes, contract};

contract!(
    values_of_any_size_replace_each_other,
    a_scan_is_ordered_and_bounded,
    keys_that_begin_with_each_other_are_apart,
    a_checkpoint_survives_a_restart_with_what_was_written_before,
    a_checkpoint_makes_earlier_writes_durable,
    the_last_change_of_a_key_wins,
    an_empty_checkpoint_makes_writes_durable,
);

fn put(key: &str, value: impl Into<Bytes>) -> Change {
    Change::put(key.as_bytes().to_vec(), value.into())
}

fn keys(found: Vec<(Vec<u8>, Bytes)>) -> Vec<String> {
    found
        .into_iter()
        .map(|(key, _)| String::from_utf8(key).unwrap())
        .collect()
}

fn values_of_any_size_replace_each_other(store: &impl Store) {
    let sizes = [0, 100_000, 10, 500_000, 300_000, 49_152, 49_153, 0];
    let (_log, view) = store.open();
    for (round, size) in (0..).zip(sizes) {
        view.write(vec![put("key", bytes(size, round))]).unwrap();
        assert_eq!(view.get(b"key").unwrap().unwrap(), bytes(size, round));
        view.write(vec![put("deleted", bytes(size, round))])
            .unwrap();
        view.checkpoint(vec![Change::delete(b"deleted".to_vec())])
            .unwrap();
        assert_eq!(view.get(b"deleted").unwrap(), None);
    }
    assert_eq!(
        view.scan(b"", b"", 10).unwrap(),
        [(b"key".to_vec(), Bytes::new())]
    );
}

fn a_scan_is_ordered_and_bounded(store: &impl Store) {
    let (_log, view) = store.open();
    view.write(
        ["b/2", "a/1", "b/10", "c", "b/1"]
            .map(|key| put(key, bytes(70_000, 1)))
            .to_vec(),
    )
    .unwrap();
    assert_eq!(
        keys(view.scan(b"b/", b"", 10).unwrap()),
        ["b/1", "b/10", "b/2"]
    );
    assert_eq!(
        keys(view.scan(b"b/", b"b/10", 10).unwrap()),
        ["b/10", "b/2"]
    );
    assert_eq!(keys(view.scan(b"b/", b"b/11", 10).unwrap()), ["b/2"]);
    assert_eq!(keys(view.scan(b"b/", b"", 2).unwrap()), ["b/1", "b/10"]);
    assert_eq!(keys(view.scan(b"b/", b"c", 10).unwrap()), [""; 0]);
    assert_eq!(
        keys(view.scan(b"", b"", 10).unwrap()),
        ["a/1", "b/1", "b/10", "b/2", "c"]
    );
    assert_eq!(view.scan(b"b/", b"", 0).unwrap(), []);
    assert_eq!(view.scan(b"b/1", b"", 1).unwrap()[0].1, bytes(70_000, 1));
}

fn keys_that_begin_with_each_other_are_apart(store: &impl Store) {
    let (_log, view) = store.open();
    let all = ["", "\0", "\0\0", "k", "k\0", "k\0\0\0\u{1}", "k\u{1}"];
    for (seed, key) in (0..).zip(all) {
        view.write(vec![put(key, bytes(100_000, seed))]).unwrap();
    }
    view.write(vec![Change::delete(b"k".to_vec()), put("\0", "small")])
        .unwrap();
    for (seed, key) in (0..).zip(all) {
        let expected = match key {
            "k" => None,
            "\0" => Some(Bytes::from("small")),
            _ => Some(bytes(100_000, seed)),
        };
        assert!(view.get(key.as_bytes()).unwrap() == expected, "key {key:?}");
    }
}

fn a_checkpoint_survives_a_restart_with_what_was_written_before(store: &impl Store) {
    let (log, view) = store.open();
    let page = bytes(40_000, 1);
    view.write(vec![put("page", page.clone()), put("gone", "soon")])
        .unwrap();
    let mut changes: Vec<_> = (0..3_000)
        .map(|i| put(&format!("state/{i:04}"), bytes(200, i)))
        .collect();
    changes.extend([
        put("large", bytes(400_000, 7)),
        Change::delete(b"gone".to_vec()),
    ]);
    view.checkpoint(changes).unwrap();
    drop((log, view));
    let (_log, view) = store.open();
    assert_eq!(view.get(b"page").unwrap().unwrap(), page);
    assert_eq!(view.get(b"gone").unwrap(), None);
    assert_eq!(view.get(b"large").unwrap().unwrap(), bytes(400_000, 7));
    let state = view.scan(b"state/", b"", usize::MAX).unwrap();
    assert_eq!(state.len(), 3_000);
    assert!(
        (0..)
            .zip(&state)
            .all(|(i, (_, value))| *value == bytes(200, i))
    );
}

fn a_checkpoint_makes_earlier_writes_durable(store: &impl Store) {
    let (log, view) = store.open();
    view.write(
        (0..50)
            .map(|i| put(&format!("{i}"), bytes(1_000, i)))
            .collect(),
    )
    .unwrap();
    view.checkpoint(vec![put("mark", bytes(1, 0))]).unwrap();
    drop((log, view));
    let (_log, view) = store.open();
    for i in 0..50 {
        assert_eq!(
            view.get(format!("{i}").as_bytes()).unwrap().unwrap(),
            bytes(1_000, i)
        );
    }
}

fn the_last_change_of_a_key_wins(store: &impl Store) {
    let (log, view) = store.open();
    let delete = || Change::delete(b"key".to_vec());
    view.checkpoint(vec![
        put("key", bytes(90_000, 1)),
        delete(),
        put("key", "last"),
    ])
    .unwrap();
    assert_eq!(view.get(b"key").unwrap().unwrap(), "last");
    view.checkpoint(vec![put("key", bytes(90_000, 1)), delete()])
        .unwrap();
    drop((log, view));
    assert_eq!(store.open().1.get(b"key").unwrap(), None);
}

fn an_empty_checkpoint_makes_writes_durable(store: &impl Store) {
    let (log, view) = store.open();
    view.write(vec![put("key", "value")]).unwrap();
    view.checkpoint(Vec::new()).unwrap();
    drop((log, view));
    assert_eq!(store.open().1.get(b"key").unwrap().unwrap(), "value");
}
