//! A cron expression in a time zone: which times it means. Pure: asked from a given time.
//!
//! The expression is matched against wall-clock time; this file maps that to points in time, since
//! every zone's wall clock now and then skips an hour or shows one twice.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::time::Duration;

use chrono::{DateTime, LocalResult, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
/// A time zone of the IANA database.
pub use chrono_tz::Tz as Zone;
use croner::{Cron, JobType};

use crate::Millis;

/// No zone changes its clock twice within this span: a change in it is found by its ends.
const STRIDE: TimeDelta = TimeDelta::days(1);
/// The first span that a search for the latest times looks back over.
const LOOK_BACK: Duration = Duration::from_secs(64);

/// Where a search begins, and whether that second itself counts.
type Start = (DateTime<Utc>, bool);

/// When a schedule is due: an expression, and the zone whose wall clock it speaks of.
///
/// An expression for one time of day comes once a day, as people mean it: in the hour that is
/// shown twice the first time only, and one that falls into the skipped hour right after it. All
/// others (`*/15 * * * *`) go by what the clock shows: nothing in the skipped hour, and all of the
/// repeated one.
#[derive(Clone, Debug)]
pub struct Timing {
    cron: Cron,
    expression: String,
    zone: Zone,
}

/// Why texts are no timing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimingError {
    /// The expression is malformed.
    #[error(
        "is `{0}`, which is no cron expression ({1}): write five fields such as `30 3 * * *` for half past three, or six with seconds in front"
    )]
    Expression(String, String),
    /// The expression is well formed and means no time.
    #[error("is `{0}`, which never comes: correct the day, month or year")]
    Never(String),
    /// No zone has this name.
    #[error(
        "is `{0}`, which is no time zone: write `UTC`, or a name of the IANA database such as `Europe/Berlin`"
    )]
    Zone(String),
}

impl PartialEq for Timing {
    fn eq(&self, other: &Self) -> bool {
        self.expression == other.expression && self.zone == other.zone
    }
}

impl Eq for Timing {}

impl Timing {
    /// Reads the name of a time zone of the IANA database.
    ///
    /// # Errors
    /// [`TimingError::Zone`].
    pub fn zone_named(name: &str) -> Result<Zone, TimingError> {
        name.parse().map_err(|_| TimingError::Zone(name.to_owned()))
    }

    /// Reads an expression of five fields, six with seconds in front, seven with years behind, or
    /// a nickname such as `@daily`.
    ///
    /// # Errors
    /// [`TimingError`] if it is malformed, or no time after 1970 meets it.
    pub fn new(expression: &str, zone: Zone) -> Result<Self, TimingError> {
        let cron: Cron = expression
            .parse()
            .map_err(|error: croner::errors::CronError| {
                let cause = error.to_string().to_lowercase();
                TimingError::Expression(
                    expression.to_owned(),
                    cause.trim_end_matches('.').to_owned(),
                )
            })?;
        let timing = Self {
            cron,
            expression: expression.to_owned(),
            zone,
        };
        match timing.next_after(Millis(0)) {
            Some(_) => Ok(timing),
            None => Err(TimingError::Never(expression.to_owned())),
        }
    }

    /// The expression as written.
    #[must_use]
    pub fn expression(&self) -> &str {
        &self.expression
    }

    /// The time zone's name.
    #[must_use]
    pub fn zone(&self) -> &'static str {
        self.zone.name()
    }

    /// The first time after `at`, to the second; none if there is none before the year 5000.
    #[must_use]
    pub fn next_after(&self, at: Millis) -> Option<Millis> {
        let seconds = i64::try_from(at.0 / 1_000).ok()?;
        let at = DateTime::from_timestamp(seconds, 0)?;
        let found = self.search(at)?;
        let seconds = u64::try_from(found.timestamp()).ok()?;
        Some(Millis(seconds.checked_mul(1_000)?))
    }

    /// The last `count` times after `after` and up to `until`, in their order.
    #[must_use]
    pub fn latest(&self, after: Millis, until: Millis, count: usize) -> VecDeque<Millis> {
        let mut back = LOOK_BACK;
        loop {
            let reach = u64::try_from(back.as_millis()).unwrap_or(u64::MAX);
            let from = after.max(Millis(until.0.saturating_sub(reach)));
            let mut found = VecDeque::new();
            let mut next = self.next_after(from);
            while let Some(at) = next.filter(|at| *at <= until) {
                found.push_back(at);
                if found.len() > count {
                    found.pop_front();
                }
                next = self.next_after(at);
            }
            if found.len() >= count || from == after {
                return found;
            }
            back = back.saturating_mul(4);
        }
    }

    fn search(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let once_a_day = self.cron.determine_job_type() == JobType::FixedTime;
        let mut start = (at, false);
        loop {
            match self.step(start, once_a_day)? {
                ControlFlow::Break(found) => return Some(found),
                ControlFlow::Continue(after) => start = after,
            }
        }
    }

    /// Searches up to the next change of the clock: what it finds, or where to go on.
    fn step(
        &self,
        (from, inclusive): Start,
        once_a_day: bool,
    ) -> Option<ControlFlow<DateTime<Utc>, Start>> {
        let offset = self.offset(from);
        let local = (from + offset).naive_utc();
        let shown = self.shown_next(local, inclusive)?;
        let found = (shown - offset).and_utc();
        let Some(change) = self.next_change(from, found) else {
            let repeated = once_a_day && self.is_repeated(shown, found);
            return Some(match repeated {
                true => ControlFlow::Continue((found, false)),
                false => ControlFlow::Break(found),
            });
        };
        let moved = self.offset(change) - offset;
        let skipped = shown < (change + offset + moved).naive_utc();
        Some(match (once_a_day, moved > TimeDelta::zero()) {
            (true, true) if skipped => ControlFlow::Break(change),
            // What the clock shows again after the change came before it.
            (true, false) => ControlFlow::Continue((change - moved, true)),
            _ => ControlFlow::Continue((change, true)),
        })
    }

    /// The next time on the wall clock that the expression means, whatever the zone.
    fn shown_next(&self, local: NaiveDateTime, inclusive: bool) -> Option<NaiveDateTime> {
        let found = self.cron.find_next_occurrence(&local.and_utc(), inclusive);
        found.ok().map(|found| found.naive_utc())
    }

    /// Whether `found` is the second time that the clock shows this.
    fn is_repeated(&self, shown: NaiveDateTime, found: DateTime<Utc>) -> bool {
        match self.zone.from_local_datetime(&shown) {
            LocalResult::Ambiguous(first, _) => first.to_utc() < found,
            LocalResult::Single(_) | LocalResult::None => false,
        }
    }

    /// The first second after `from`, and up to `until`, with another offset than at `from`.
    fn next_change(&self, from: DateTime<Utc>, until: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let offset = self.offset(from);
        let (mut before, mut after) = (from, from);
        while self.offset(after) == offset {
            if after >= until {
                return None;
            }
            before = after;
            after = until.min(after + STRIDE);
        }
        while after - before > TimeDelta::seconds(1) {
            let middle = before + TimeDelta::seconds((after - before).num_seconds() / 2);
            match self.offset(middle) == offset {
                true => before = middle,
                false => after = middle,
            }
        }
        Some(after)
    }

    /// What the zone's clock is ahead of UTC.
    fn offset(&self, at: DateTime<Utc>) -> TimeDelta {
        let offset = self.zone.offset_from_utc_datetime(&at.naive_utc()).fix();
        TimeDelta::seconds(offset.local_minus_utc().into())
    }
}

#[cfg(test)]
mod tests;
