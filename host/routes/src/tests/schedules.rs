//! Schedules: what a table means, and what is said about one that is wrong.

use wasmill_model::routes::Missed;

use super::{good, problems, refused, with};

/// A schedule on line 8 to 10, and its further line 11.
fn schedule(line: &str) -> String {
    format!("[schedules.nightly]\ncron = \"30 3 * * *\"\ntopic = \"order.placed\"\n{line}\n")
}

#[test]
fn a_whole_schedule_is_read_and_what_is_left_out_has_its_default() {
    let lines = "time_zone = \"Europe/Berlin\"\nkey = \"k\"\ntag = \"t\"\nmissed = \"all\"\n\
                 body = { day = 1 }\n[schedules.nightly.headers]\na = \"b\"";
    let routes = good(&with(&schedule(lines)));
    let whole = &routes.schedules["nightly"];
    assert_eq!(whole.timing.zone(), "Europe/Berlin");
    assert_eq!(
        (whole.key.as_deref(), whole.tag.as_deref()),
        (Some("k"), Some("t"))
    );
    assert_eq!(&whole.body[..], br#"{"day":1}"#);
    assert_eq!(whole.headers, [("a".into(), "b".into())]);
    assert_eq!(whole.missed, Missed::All);

    let routes = good(&with(&schedule("body = \"text\"")));
    let plain = &routes.schedules["nightly"];
    assert_eq!((plain.timing.zone(), plain.missed), ("UTC", Missed::Once));
    assert_eq!((plain.key.as_ref(), &plain.body[..]), (None, &b"text"[..]));
}

#[test]
fn a_misspelt_nickname_is_told_from_the_right_ones() {
    for nickname in crate::schedules::NICKNAMES {
        good(&with(&schedule("").replace("30 3 * * *", nickname)));
    }
    refused(
        &schedule("").replace("30 3 * * *", "@dayly"),
        "line 9, column 8: `schedules.nightly.cron` is `@dayly`, which is none of @yearly, \
         @annually, @monthly, @weekly, @daily, @hourly; did you mean `@daily`?",
    );
}

#[test]
fn schedules_are_checked_field_by_field() {
    let cases = [
        (
            "time_zone = \"Berlin\"",
            "line 11, column 13: `schedules.nightly.time_zone` is `Berlin`, which is no time zone: write `UTC`, or a name of the IANA database such as `Europe/Berlin`",
        ),
        (
            "missed = \"some\"",
            "line 11, column 10: `schedules.nightly.missed` is `some`, but must be `skip` or `once` or `all`",
        ),
        (
            "key = \"\"",
            "line 11, column 7: `schedules.nightly.key` is empty; leave it out",
        ),
        (
            "body = 5",
            "line 11, column 8: `schedules.nightly.body` is an integer, but must be a text in quotes, or a table, which is sent as JSON",
        ),
        (
            "headers = { wasmill-schedule = \"x\" }",
            "line 11, column 32: `schedules.nightly.headers.wasmill-schedule` is no header of yours to set: the host tells of the schedule there",
        ),
        (
            "every = \"1h\"",
            "line 11, column 1: unknown key `every` in `schedules.nightly`; known keys: time_zone, cron, topic, key, tag, headers, body, missed",
        ),
    ];
    for (line, expected) in cases {
        refused(&schedule(line), expected);
    }
    refused(
        &schedule("").replace("30 3 * * *", "0 0 30 2 *"),
        "line 9, column 8: `schedules.nightly.cron` is `0 0 30 2 *`, which never comes: correct \
         the day, month or year",
    );
    refused(
        &schedule("").replace("order.placed", "order.plcd"),
        "line 10, column 9: `schedules.nightly.topic` is `order.plcd`, which is not declared in \
         [topics]; did you mean `order.placed`?",
    );
    let [found] = &problems(&with(&schedule("").replace("30 3 * * *", "30 25 * * *")))[..] else {
        panic!("one problem");
    };
    assert!(
        found.contains("no cron expression") && found.contains("write five fields"),
        "{found}"
    );
}
