//! Random numbers that come again: a message that is handled again draws what it drew before.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rand_core::TryRng;
use sha2::{Digest, Sha256};

/// Numbers drawn for one call after the other. Clones draw from the same ones.
#[derive(Clone, Debug, Default)]
pub(crate) struct Draws(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    seed: u128,
    /// How many were drawn since.
    count: u64,
}

impl Draws {
    /// Begins anew, with the numbers of `seed`.
    pub(crate) fn begin(&self, seed: u128) {
        *self.state() = State { seed, count: 0 };
    }

    fn next(&self) -> [u8; 8] {
        let mut state = self.state();
        let count = state.count;
        state.count += 1;
        let mut hasher = Sha256::new();
        hasher.update(state.seed.to_be_bytes());
        hasher.update(count.to_be_bytes());
        let [a, b, c, d, e, f, g, h, ..]: [u8; 32] = hasher.finalize().into();
        [a, b, c, d, e, f, g, h]
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TryRng for Draws {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.try_next_u64().map(|number| number as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_be_bytes(self.next()))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next()[..chunk.len()]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same_and_a_draw_is_not_the_one_before() {
        let mut draws = Draws::default();
        let mut drawn = |seed| {
            draws.begin(seed);
            let mut bytes = [0; 20];
            let Ok(()) = draws.try_fill_bytes(&mut bytes);
            bytes
        };
        assert_eq!(drawn(7), drawn(7));
        assert_ne!(drawn(7), drawn(8));
        assert_ne!(drawn(7)[..8], drawn(7)[8..16]);
    }
}
