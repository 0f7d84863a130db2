//! Which times expressions mean, over changes of the clock among others.

use super::*;

fn timing(expression: &str, zone: &str) -> Timing {
    let zone = Timing::zone_named(zone).expect("a zone");
    Timing::new(expression, zone).expect("an expression")
}

fn millis(text: &str) -> Millis {
    let at = DateTime::parse_from_rfc3339(text).expect("a time");
    Millis(u64::try_from(at.timestamp_millis()).expect("after 1970"))
}

/// The first times after `from`.
#[track_caller]
fn assert_times(timing: &Timing, from: &str, expected: &[&str]) {
    let mut at = millis(from);
    for (nth, text) in expected.iter().enumerate() {
        at = timing.next_after(at).expect("another time");
        assert_eq!(at, millis(text), "{} #{nth} {text}", timing.expression());
    }
}

#[test]
fn five_and_six_fields_and_nicknames_are_times_of_the_zone() {
    assert_times(
        &timing("30 3 * * *", "Asia/Tokyo"),
        "2026-04-30T12:00:00Z",
        &["2026-05-01T03:30:00+09:00", "2026-05-02T03:30:00+09:00"],
    );
    assert_times(
        &timing("*/20 * * * * *", "UTC"),
        "2026-05-01T00:00:59.999Z",
        &["2026-05-01T00:01:00Z", "2026-05-01T00:01:20Z"],
    );
    assert_times(
        &timing("@monthly", "UTC"),
        "2026-12-01T00:00:00Z",
        &["2027-01-01T00:00:00Z"],
    );
    // Monday is 1, as in every cron but Quartz.
    assert_times(
        &timing("0 12 29 2 *", "UTC"),
        "2026-01-01T00:00:00Z",
        &["2028-02-29T12:00:00Z", "2032-02-29T12:00:00Z"],
    );
    assert_times(
        &timing("0 9 * * 1", "UTC"),
        "2026-11-21T00:00:00Z",
        &["2026-11-23T09:00:00Z"],
    );
}

#[test]
fn a_time_of_day_comes_once_a_day_over_both_changes_of_the_clock() {
    let berlin = timing("30 2 * * *", "Europe/Berlin");
    // 02:00 to 03:00 is skipped on March 29.
    assert_times(
        &berlin,
        "2026-03-27T12:00:00Z",
        &[
            "2026-03-28T02:30:00+01:00",
            "2026-03-29T03:00:00+02:00",
            "2026-03-30T02:30:00+02:00",
        ],
    );
    // 02:00 to 03:00 is shown twice on October 25.
    assert_times(
        &berlin,
        "2026-10-24T12:00:00Z",
        &["2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"],
    );
    // Asked between the two, and after a restart in the second one.
    for from in ["2026-10-25T02:31:00+02:00", "2026-10-25T02:15:00+01:00"] {
        assert_times(&berlin, from, &["2026-10-26T02:30:00+01:00"]);
    }
}

#[test]
fn what_comes_more_often_goes_by_what_the_clock_shows() {
    let berlin = timing("0,30 * * * *", "Europe/Berlin");
    assert_times(
        &berlin,
        "2026-03-29T01:00:00+01:00",
        &[
            "2026-03-29T01:30:00+01:00",
            "2026-03-29T03:00:00+02:00",
            "2026-03-29T03:30:00+02:00",
        ],
    );
    assert_times(
        &berlin,
        "2026-10-25T02:00:00+02:00",
        &[
            "2026-10-25T02:30:00+02:00",
            "2026-10-25T02:00:00+01:00",
            "2026-10-25T02:30:00+01:00",
            "2026-10-25T03:00:00+01:00",
        ],
    );
}

#[test]
fn each_second_misses_and_repeats_none_over_half_an_hours_change() {
    // Lord Howe Island moves its clock by half an hour.
    let each = timing("* * * * * *", "Australia/Lord_Howe");
    for around in ["2026-04-04T15:00:00Z", "2026-10-03T15:30:00Z"] {
        let mut at = Millis(millis(around).0 - 3_600_000);
        for _ in 0..7_200 {
            let next = each.next_after(at).expect("the next second");
            assert_eq!(next.0, at.0 + 1_000);
            at = next;
        }
    }
}

#[test]
fn the_latest_times_are_found_without_going_through_all_before_them() {
    let each = timing("* * * * * *", "UTC");
    let (after, until) = (
        millis("2001-01-01T00:00:00Z"),
        millis("2026-01-01T00:00:00.5Z"),
    );
    let last = millis("2026-01-01T00:00:00Z");
    assert_eq!(each.latest(after, until, 1), [last]);
    let many = each.latest(after, until, 1_000);
    assert_eq!((many.len(), many.back()), (1_000, Some(&last)));
    assert_eq!(many.front(), Some(&Millis(last.0 - 999_000)));
    let yearly = timing("@yearly", "UTC");
    assert_eq!(yearly.latest(after, until, 1), [last]);
    // Fewer than asked for, since the first one does not count.
    assert_eq!(yearly.latest(after, until, 100).len(), 25);
    assert!(yearly.latest(last, until, 1).is_empty());
}

#[test]
fn what_is_no_expression_no_zone_or_no_time_is_refused_with_a_remedy() {
    for text in ["", "* * *", "61 * * * *", "x * * * *"] {
        let error = Timing::new(text, Zone::UTC).expect_err(text);
        assert!(error.to_string().contains("write five fields"), "{error}");
    }
    for text in ["0 0 30 2 *", "0 0 0 1 1 * 1969"] {
        let error = Timing::new(text, Zone::UTC).expect_err(text);
        assert_eq!(error, TimingError::Never(text.to_owned()));
    }
    assert!(Timing::zone_named("Mars/Olympus").is_err());
}
