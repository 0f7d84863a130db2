//! Producers' ids that are taken: exact, bounded by their window, checked without the store.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use wasmill_model::{Claim, Millis};

/// One partition's claims.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    by_id: FxHashMap<u128, Claim>,
    by_expiry: BTreeMap<(Millis, u128), ()>,
    /// Claimed since the last checkpoint began.
    fresh: Vec<Claim>,
    /// Expired since the last checkpoint began.
    expired: Vec<(Millis, u128)>,
}

impl Claims {
    /// The claim on `id`, if one is in force.
    pub(crate) fn get(&self, id: u128, now: Millis) -> Option<&Claim> {
        self.by_id.get(&id).filter(|claim| claim.expires > now)
    }

    /// Takes an id.
    pub(crate) fn insert(&mut self, claim: Claim) {
        self.restore(claim);
        self.fresh.push(claim);
    }

    /// Takes an id that the view has.
    pub(crate) fn restore(&mut self, claim: Claim) {
        if let Some(old) = self.by_id.insert(claim.id, claim)
            && old.expires != claim.expires
        {
            self.by_expiry.remove(&(old.expires, old.id));
            self.expired.push((old.expires, old.id));
        }
        self.by_expiry.insert((claim.expires, claim.id), ());
    }

    /// Forgets at most `max` ids whose time is over.
    pub(crate) fn expire(&mut self, now: Millis, max: usize) {
        for _ in 0..max {
            let Some(entry) = self.by_expiry.first_entry() else {
                break;
            };
            let (expires, id) = *entry.key();
            if expires > now {
                break;
            }
            entry.remove();
            self.by_id.remove(&id);
            self.expired.push((expires, id));
        }
    }

    /// What a checkpoint writes and deletes.
    pub(crate) fn take_changes(&mut self) -> (Vec<Claim>, Vec<(Millis, u128)>) {
        // A recovery may have replaced a claim and brought it back.
        let mut expired = std::mem::take(&mut self.expired);
        expired.retain(|gone| !self.by_expiry.contains_key(gone));
        (std::mem::take(&mut self.fresh), expired)
    }
}
