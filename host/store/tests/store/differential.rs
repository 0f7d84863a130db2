//! The view against a `BTreeMap`, operation by operation, with restarts in between.

use std::collections::BTreeMap;

use bytes::Bytes;
use rand::{Rng, SeedableRng, rngs::StdRng};
use wasmill_port::store::{Change, View};

use crate::fixture::{Store, bytes, contract};

contract!(a_view_behaves_as_a_map_over_restarts);

pub(crate) fn change(rng: &mut StdRng) -> Change {
    // Few keys, some of which begin with others, so that they are overwritten often.
    let key = "abcab"[..rng.random_range(0..=5)]
        .bytes()
        .chain([rng.random_range(0..8)])
        .collect();
    let len = match rng.random_range(0..10) {
        0..5 => rng.random_range(0..300),
        5..7 => rng.random_range(30_000..60_000),
        7 => rng.random_range(60_000..300_000),
        _ => return Change::delete(key),
    };
    Change::put(key, bytes(len, rng.random_range(0..1 << 31)))
}

pub(crate) fn apply(map: &mut BTreeMap<Vec<u8>, Bytes>, changes: &[Change]) {
    for change in changes {
        match &change.value {
            Some(value) => map.insert(change.key.clone(), value.clone()),
            None => map.remove(&change.key),
        };
    }
}

fn a_view_behaves_as_a_map_over_restarts(store: &impl Store) {
    let seed = crate::fixture::seed();
    println!("seed {seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    let mut map = BTreeMap::new();
    for _ in 0..6 {
        let (_log, view) = store.open();
        let found = view.scan(b"", b"", usize::MAX).unwrap();
        assert!(
            found.into_iter().eq(map.clone()),
            "after a restart, seed {seed}"
        );
        for step in 0..40 {
            let changes: Vec<_> = (0..rng.random_range(1..6))
                .map(|_| change(&mut rng))
                .collect();
            apply(&mut map, &changes);
            if rng.random() {
                view.write(changes).unwrap();
            } else {
                view.checkpoint(changes).unwrap();
            }
            let probe = change(&mut rng).key;
            let context = format!("step {step}, seed {seed}");
            assert!(
                view.get(&probe).unwrap() == map.get(&probe).cloned(),
                "{context}"
            );
            let (prefix, limit) = (&probe[..probe.len().min(2)], rng.random_range(0..6));
            let expected = map
                .range(probe.clone()..)
                .take_while(|(key, _)| key.starts_with(prefix))
                .take(limit)
                .map(|(key, value)| (key.clone(), value.clone()));
            assert!(
                view.scan(prefix, &probe, limit)
                    .unwrap()
                    .into_iter()
                    .eq(expected),
                "{context}"
            );
        }
        view.checkpoint(Vec::new()).unwrap();
    }
}
