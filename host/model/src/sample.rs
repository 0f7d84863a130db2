//! A stable share of keys or messages: the same ones whenever and wherever it is asked.

use std::fmt;
use std::str::FromStr;

use xxhash_rust::xxh3;

use crate::MessageId;

/// Hundredths of a percent in a whole.
const WHOLE: u32 = 10_000;
/// Apart from the hash of partitions: a share of keys is one of each partition's.
const SEED: u64 = 6;

/// A part of a whole, to a hundredth of a percent, more than none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(u32);

impl Share {
    /// The whole.
    pub const ALL: Self = Self(WHOLE);

    /// So many hundredths of a percent, if that is a share.
    #[must_use]
    pub const fn hundredths(hundredths: u32) -> Option<Self> {
        match hundredths {
            1..=WHOLE => Some(Self(hundredths)),
            _ => None,
        }
    }

    /// So many percent, if that is a share.
    #[must_use]
    pub fn percent(percent: f64) -> Option<Self> {
        Self::hundredths((percent * 100.0).round() as u32)
    }

    /// Whether this key is among them.
    #[must_use]
    pub fn has_key(self, key: &str) -> bool {
        self.has(xxh3::xxh3_64_with_seed(key.as_bytes(), SEED))
    }

    /// Whether this message is among them.
    #[must_use]
    pub fn has_message(self, id: MessageId) -> bool {
        self.has(xxh3::xxh3_64_with_seed(&id.0.to_be_bytes(), SEED))
    }

    fn has(self, hash: u64) -> bool {
        hash % u64::from(WHOLE) < u64::from(self.0)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", f64::from(self.0) / 100.0)
    }
}

/// Why a text is no share.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no share: write one from `0.01%` to `100%`")]
pub struct ParseShareError(String);

impl FromStr for Share {
    type Err = ParseShareError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let percent = text.strip_suffix('%').unwrap_or(text).trim().parse();
        let share = percent.ok().and_then(Self::percent);
        share.ok_or_else(|| ParseShareError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_of_its_size_and_a_larger_one_has_it_all() {
        let (small, large): (Share, Share) = ("5%".parse().unwrap(), "20".parse().unwrap());
        let keys: Vec<String> = (0..10_000).map(|nth| format!("user-{nth}")).collect();
        let of = |share: Share| keys.iter().filter(|key| share.has_key(key)).count();
        assert!((400..600).contains(&of(small)), "{}", of(small));
        assert!((1_850..2_150).contains(&of(large)), "{}", of(large));
        assert!(
            keys.iter()
                .all(|it| !small.has_key(it) || large.has_key(it))
        );
        assert!(keys.iter().all(|key| Share::ALL.has_key(key)));
        let messages = (0..10_000).filter(|id| small.has_message(MessageId(*id)));
        assert!((400..600).contains(&messages.count()));
    }

    #[test]
    fn shares_are_read_as_they_are_written() {
        for text in ["0.01%", "5%", "12.5%", "100%"] {
            assert_eq!(text.parse::<Share>().unwrap().to_string(), text);
        }
        for text in ["", "0%", "0.001%", "101%", "-1%", "five", "NaN%"] {
            assert!(text.parse::<Share>().is_err(), "{text}");
        }
    }
}
