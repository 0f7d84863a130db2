//! Power cuts after every operation on the store's files: what was acknowledged is there, in order,
//! and nothing is torn. A kill cannot show that, since the system keeps what a process wrote.
//!
//! A scenario is recorded once, and the store is opened on what each prefix of the record may
//! leave on a disk.

#![cfg(target_os = "linux")]
#![expect(
    unsafe_code,
    reason = "the system's functions are defined again, to record them"
)]

mod cuts;
mod disk;
mod model;
mod recorder;
mod scenario;

use rand::{Rng, SeedableRng, rngs::StdRng};

use crate::cuts::{Cuts, failures};
use crate::disk::{Disk, Loss};
use crate::recorder::Operation;
use crate::scenario::Scenario;

/// A bit of everything, small enough to be cut everywhere.
const ALL: Scenario = Scenario {
    seed: 1,
    starts: 3,
    steps: 40,
    kept: 12,
    block_bytes: |number| match number % 16 {
        15 => number * 7_919 % 130_000,
        7 => number * 7_919 % 40_000,
        _ => number * 7_919 % 3_000,
    },
};

/// So much that sled uses the pieces of its files again.
const FLOOD: Scenario = Scenario {
    seed: 2,
    starts: 2,
    steps: 350,
    kept: 24,
    block_bytes: |number| match number % 4 {
        0 => number * 7_919 % 12_000,
        _ => 100_000 + number * 7_919 % 200_000,
    },
};

#[test]
fn whatever_operation_is_the_last_all_that_was_acknowledged_is_there() {
    let failures = failures(ALL, Disk::default(), |disk, _, cuts| {
        cuts.check("nothing lost", disk, Loss::Nothing);
    });
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn a_write_that_is_cut_short_tears_nothing() {
    let mut rng = StdRng::seed_from_u64(cuts::seed());
    let failures = failures(ALL, Disk::default(), |disk, operation, cuts| {
        if let Operation::Write { bytes, .. } = operation {
            let kept = rng.random_range(0..bytes.len());
            cuts.check(&format!("{kept} bytes kept"), disk, Loss::End(kept));
        }
    });
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn what_was_not_synced_may_be_lost() {
    let failures = failures(ALL, Disk::default(), drop_before_syncs);
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn what_was_not_synced_may_reach_the_disk_in_any_order() {
    let mut rng = StdRng::seed_from_u64(cuts::seed());
    let failures = failures(ALL, Disk::default(), |disk, _, cuts| {
        cuts.check("some lost", disk, Loss::Some(&mut rng));
    });
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn pieces_of_a_file_are_used_again_only_when_that_is_safe() {
    let mut rng = StdRng::seed_from_u64(cuts::seed());
    let failures = failures(FLOOD, Disk::default(), |disk, _, cuts| {
        // The images are large.
        if rng.random_ratio(1, 30) {
            cuts.check("all lost", disk, Loss::All);
            cuts.check("some lost", disk, Loss::Some(&mut rng));
        }
    });
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn a_store_that_forgets_to_sync_is_found_out() {
    let failures = failures(ALL, Disk::without_data_sync(), drop_before_syncs);
    let lost = |failure: &&String| failure.contains("were acknowledged");
    assert!(failures.iter().any(|it| lost(&it)), "{failures:#?}");
}

/// Until the next sync ever more may be lost: right before it is the time to see.
fn drop_before_syncs(disk: &Disk, operation: &Operation, cuts: &mut Cuts) {
    if let Operation::Sync { .. } = operation {
        cuts.check("all lost", disk, Loss::All);
    }
}
