//! Tells a file that is whole from one that somebody is still writing.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// What a look at a file tells without reading it. Equal stamps: nobody wrote in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
    /// Of the inode. Unlike the time of modification, no program can set it back.
    changed: (i64, i64),
}

impl Stamp {
    /// The stamp of a file.
    #[must_use]
    pub fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            bytes: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// The file's size.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How long ago the file changed; nothing if that is in the future.
    #[must_use]
    pub fn age(&self) -> Duration {
        let (seconds, nanoseconds) = self.changed;
        let parts = (u64::try_from(seconds), u32::try_from(nanoseconds));
        let (Ok(seconds), Ok(nanoseconds)) = parts else {
            return Duration::ZERO;
        };
        let changed = UNIX_EPOCH + Duration::new(seconds, nanoseconds);
        SystemTime::now()
            .duration_since(changed)
            .unwrap_or_default()
    }
}

/// What to do about a file after a look at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is as it was when it was last acted upon.
    Unchanged,
    /// It changed, and may still be changing: look again.
    Unsettled,
    /// It changed and stays so: act.
    Settled,
}

/// The looks so far at one file, or at files that belong together, whose stamp is a `T`.
#[derive(Clone, Copy, Debug)]
pub struct Settle<T = Stamp> {
    /// The last look, and the time of the first one like it. No stamp: no file.
    seen: Option<(Option<T>, Instant)>,
    /// What was last acted upon.
    acted: Option<Option<T>>,
}

impl<T> Default for Settle<T> {
    fn default() -> Self {
        Self {
            seen: None,
            acted: None,
        }
    }
}

impl<T: Copy + PartialEq> Settle<T> {
    /// Takes a look: the file's stamp, none if it is not there. It counts as settled after
    /// `quiet`, or at once if it is known to be `whole`.
    pub fn look(
        &mut self,
        now: Instant,
        stamp: Option<T>,
        whole: bool,
        quiet: Duration,
    ) -> Verdict {
        let since = match self.seen {
            Some((seen, since)) if seen == stamp => since,
            _ => now,
        };
        self.seen = Some((stamp, since));
        if self.acted == Some(stamp) {
            Verdict::Unchanged
        } else if (whole && stamp.is_some()) || now.duration_since(since) >= quiet {
            Verdict::Settled
        } else {
            Verdict::Unsettled
        }
    }

    /// Notes that the last look was acted upon.
    pub fn acted(&mut self) {
        self.acted = self.seen.map(|(stamp, _)| stamp);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: Duration = Duration::from_millis(100);

    fn stamp(bytes: u64) -> Option<Stamp> {
        Some(Stamp {
            device: 0,
            inode: 0,
            bytes,
            modified: (0, 0),
            changed: (0, 0),
        })
    }

    #[test]
    fn a_file_that_grows_is_not_settled_until_it_stays_the_same() {
        let (mut settle, start) = (Settle::default(), Instant::now());
        let mut look = |at: u64, bytes| {
            settle.look(
                start + Duration::from_millis(at),
                stamp(bytes),
                false,
                QUIET,
            )
        };
        assert_eq!(look(0, 1), Verdict::Unsettled);
        assert_eq!(look(100, 2), Verdict::Unsettled);
        assert_eq!(look(199, 2), Verdict::Unsettled);
        assert_eq!(look(200, 2), Verdict::Settled);
    }

    #[test]
    fn a_file_moved_in_is_settled_at_once_and_acted_upon_once() {
        let (mut settle, now) = (Settle::default(), Instant::now());
        assert_eq!(settle.look(now, stamp(1), true, QUIET), Verdict::Settled);
        settle.acted();
        assert_eq!(settle.look(now, stamp(1), true, QUIET), Verdict::Unchanged);
    }

    #[test]
    fn a_file_that_is_gone_for_a_moment_is_not_removed() {
        let (mut settle, now) = (Settle::default(), Instant::now());
        settle.look(now, stamp(1), true, QUIET);
        settle.acted();
        assert_eq!(settle.look(now, None, false, QUIET), Verdict::Unsettled);
        assert_eq!(
            settle.look(now + QUIET, stamp(1), false, QUIET),
            Verdict::Unchanged
        );
        assert_eq!(
            settle.look(now + QUIET, None, false, QUIET),
            Verdict::Unsettled
        );
        assert_eq!(
            settle.look(now + 2 * QUIET, None, false, QUIET),
            Verdict::Settled
        );
    }
}
