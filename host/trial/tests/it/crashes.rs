//! What a crash does to plugins that are not right is found, and to those that are it does nothing.

use crate::support::{BANK, World, bank, pays};

#[test]
fn a_plugin_that_keeps_state_in_its_memory_is_found() {
    let crashes = World::new("remembers", &pays(&["a", "b", "a"])).crash();
    let text = crashes.to_string();
    assert!(text.contains("doubled: message told a"), "{text}");
    // It had seen `a` when the third message came: whenever the host died in between.
    assert!(!crashes.are_harmless());
}

#[test]
fn a_plugin_that_acts_outside_before_it_says_so_is_found() {
    let steps = bank(200) + &pays(&[BANK]);
    let crashes = World::new("calls_first", &steps).crash();
    let text = crashes.to_string();
    let repeated =
        format!("repeated: POST http://{BANK}/charge, without the same `idempotency-key`");
    assert!(text.contains(&repeated), "{text}");
    assert!(
        text.contains("before host call 2, transaction.prepare"),
        "{text}"
    );
    assert!(
        !text.contains("doubled") && !text.contains("lost"),
        "{text}"
    );
}

#[test]
fn a_plugin_that_loses_an_effect_is_found() {
    let crashes = World::new("marks", &pays(&["a"])).crash();
    let text = crashes.to_string();
    assert!(text.contains("lost: message told a"), "{text}");
    // At two places nothing was marked yet: before it was called, and before the file was made.
    assert_eq!((crashes.points, crashes.findings.len()), (5, 3), "{text}");
    assert!(
        text.contains("before host call 2, filesystem.write"),
        "{text}"
    );
}

#[test]
fn a_request_that_a_plugin_marks_and_never_makes_is_found() {
    let steps = bank(200) + &pays(&[BANK]);
    let crashes = World::new("marks_first", &steps).crash();
    let text = crashes.to_string();
    let lost = format!("lost: request POST http://{BANK}/charge (empty), of pay key k");
    assert!(text.contains(&lost), "{text}");
    let before = format!("before host call 3, HTTP POST http://{BANK}/charge\n    lost");
    assert!(text.contains(&before), "{text}");
    // Once the request was made all is well: it is not made again.
    assert!(!text.contains("before host call 4"), "{text}");
}

#[test]
fn a_plugin_that_empties_its_file_before_it_writes_it_is_found() {
    let crashes = World::new("rewrites", &pays(&["a", "b"])).crash();
    let text = crashes.to_string();
    assert!(
        text.contains("file all is not as without a crash"),
        "{text}"
    );
    assert!(
        text.contains("before host call 2, filesystem.write"),
        "{text}"
    );
}

#[test]
fn bodies_that_differ_where_they_are_not_shown_differ() {
    let crashes = World::new("tail", &pays(&["a", "b"])).crash();
    let text = crashes.to_string();
    for said in [
        "lost: message told key k xxx",
        "doubled: message told key k xxx",
        "(it differs where it is not shown)",
        "differs where it is not shown from xxx",
        // Nothing but a header of the timer's message differs.
        "lost: timer timer\\u{1b}[2J, idle key k (empty) call: 1 tag",
    ] {
        assert!(text.contains(said), "no {said:?} in\n{text}");
    }
    assert!(!text.contains("reordered"), "{text}");
}

#[test]
fn the_host_dies_while_a_checker_decides_too() {
    let steps =
        pays(&["yes-1 leave", "no-1 leave", "unsure-1 leave"]) + "[[step]]\nadvance = \"30d\"\n";
    let world = World::new("half", &steps);
    let crashes = world.crash();
    assert!(crashes.are_harmless(), "{crashes}");
    // Before each handler, its one call and its commit; and before and after each check.
    assert!(crashes.points > 3 * 3 + 2 * 3, "{crashes}");
}

#[test]
fn where_nothing_is_handled_nothing_is_tried() {
    let crashes = World::new("teller", "[[step]]\nadvance = \"1s\"\n").crash();
    assert_eq!(crashes.points, 0);
    assert!(
        crashes
            .to_string()
            .ends_with("nothing was tried, as no message was handled")
    );
}

#[test]
fn it_is_told_how_far_the_crashes_are() {
    let world = World::new("teller", &pays(&["a"]));
    let mut told = Vec::new();
    let crashes = world.trial.crash_points(|done, all| told.push((done, all)));
    let all = crashes.expect("it was played").points;
    let expected: Vec<_> = (1..=all).map(|done| (done, all)).collect();
    assert_eq!(told, expected);
}
