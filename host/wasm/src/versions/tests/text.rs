//! What tells a sound record from a damaged one.

use wasmill_model::Millis;

use super::super::text::{Unfit, read, write};
use super::Record;

/// As hosts wrote it that knew of no checksums.
const BEFORE_CHECKSUMS: &str = r#"{
  "versions": [
    {
      "hash": "aaaaaaaa",
      "size": 1,
      "manifest": {
        "name": "plugin",
        "version": "1",
        "capabilities": { "http": ["pay.example"], "files": false, "env": [] },
        "state-version": 1
      },
      "migrates": false,
      "signature": null,
      "installed_at": 0,
      "served_at": 1,
      "came": "file"
    }
  ],
  "trail": ["aaaaaaaa"],
  "file": "aaaaaaaa",
  "withdrawn": null,
  "pinned": null,
  "approved": ["aaaaaaaa"],
  "removed": false,
  "disabled": false,
  "state_version": 1
}"#;

#[track_caller]
fn damage(text: &[u8]) -> String {
    match read(text) {
        Err(Unfit::Damaged(why)) => why,
        other => panic!("{other:?}: {}", String::from_utf8_lossy(text)),
    }
}

#[test]
fn a_record_of_which_any_byte_differs_is_damaged() {
    let mut record = Record::after("ab");
    record.pin(None, Millis(2)).expect("it is kept");
    let text = write(&record).into_bytes();
    assert_eq!(read(&text), Ok(record.clone()));
    for at in 0..text.len() {
        damage(&text[..at]);
        let mut text = text.clone();
        text[at] ^= 1;
        damage(&text);
    }
    // An editor's last line is none.
    assert_eq!(read(&[&text[..], b"\n"].concat()), Ok(record));
}

#[test]
fn a_record_of_before_checksums_is_read_if_it_has_the_fields_that_all_of_them_had() {
    let before = read(BEFORE_CHECKSUMS.as_bytes()).expect("it is whole");
    assert_eq!((before.serves(), before.state_version()), ('a', Some(1)));
    let later = BEFORE_CHECKSUMS.replacen('{', "{\"format\": 1, \"tried\": null, ", 1);
    assert_eq!(read(later.as_bytes()), Ok(before));
    for (was, is, field) in [
        ("pinned", "pinnud", "pinnud"),
        ("signature", "signatura", "signatura"),
        ("\"file\": \"aaaaaaaa\",", "", "file"),
        ("\"removed\": false,", "", "removed"),
    ] {
        let why = damage(BEFORE_CHECKSUMS.replace(was, is).as_bytes());
        assert!(why.contains(&format!("field `{field}`")), "{why}");
    }
    for nothing in ["{}", "[]", "[1]", "null", ""] {
        damage(nothing.as_bytes());
    }
}

#[test]
fn a_record_that_puts_a_version_into_service_which_it_does_not_have_is_damaged() {
    let pinned = BEFORE_CHECKSUMS.replace("\"pinned\": null", "\"pinned\": \"0123\"");
    let why = damage(pinned.as_bytes());
    assert!(why.contains("it names version 0123"), "{why}");
}
