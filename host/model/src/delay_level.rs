//! RocketMQ's delay levels: delays by number, for producers that know them so.

use std::time::Duration;

use crate::When;

/// The delays in seconds, from level 1 on: the default `messageDelayLevel` of its brokers.
const SECONDS: [u64; 18] = [
    1, 5, 10, 30, 60, 120, 180, 240, 300, 360, 420, 480, 540, 600, 1_200, 1_800, 3_600, 7_200,
];

/// A delay level, from 1 to 18.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DelayLevel(u8);

/// There is no such level.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "delay level {0} is not from 1 (1 second) to {last} (2 hours); for no delay leave it out",
    last = SECONDS.len()
)]
pub struct NoSuchLevel(u64);

impl DelayLevel {
    /// The level of this number.
    ///
    /// # Errors
    /// [`NoSuchLevel`] if it is not from 1 to 18.
    pub fn new(number: u64) -> Result<Self, NoSuchLevel> {
        match u8::try_from(number) {
            Ok(level) if (1..=SECONDS.len()).contains(&usize::from(level)) => Ok(Self(level)),
            _ => Err(NoSuchLevel(number)),
        }
    }

    /// How long messages of this level wait.
    #[must_use]
    pub fn delay(self) -> Duration {
        Duration::from_secs(SECONDS[usize::from(self.0) - 1])
    }

    /// All levels from this one on.
    pub fn and_later(self) -> impl Iterator<Item = Self> {
        (self.0..=SECONDS.len() as u8).map(Self)
    }
}

impl From<DelayLevel> for When {
    fn from(level: DelayLevel) -> Self {
        Self::After(level.delay().as_secs() * 1_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_18_levels_and_the_third_is_ten_seconds() {
        assert_eq!(DelayLevel::new(3).map(When::from), Ok(When::After(10_000)));
        assert_eq!(
            DelayLevel::new(18).unwrap().delay(),
            Duration::from_secs(7_200)
        );
        for number in [0, 19, 256 + 3, u64::MAX] {
            assert_eq!(DelayLevel::new(number), Err(NoSuchLevel(number)));
        }
        let all: Vec<_> = DelayLevel(1).and_later().collect();
        assert!(all.len() == 18 && all.windows(2).all(|it| it[0].delay() < it[1].delay()));
    }
}
