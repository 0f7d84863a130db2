//! Records on disk: whole whenever the host is killed, and told of where they are not.

use std::fs;
use std::path::Path;
use std::sync::Mutex;

use tempfile::TempDir;
use wasmill_component::SecretKey;
use wasmill_model::routes::Signatures;
use wasmill_model::{Millis, Name};

use super::super::store::{Found, Store};
use super::super::text;
use super::super::{Known, Versions};
use super::{Record, hash, manifest, version};

fn folder() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

fn store(folder: &TempDir) -> Store {
    Store::open(folder.path()).expect("opened")
}

fn versions(folder: &TempDir) -> Versions {
    Versions::open(folder.path()).expect("opened")
}

#[track_caller]
fn whole(found: Found) -> Record {
    match found {
        Found::Whole(record) => record,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn unreadable(folder: &TempDir) -> String {
    match versions(folder).known("plugin") {
        Known::Unreadable { why, .. } => why,
        other => panic!("{other:?}"),
    }
}

fn write(folder: &Path, file: &str, content: &[u8]) {
    fs::write(folder.join(file), content).expect("written");
}

#[test]
fn a_record_reads_back_and_one_of_before_is_a_history_of_one() {
    let folder = folder();
    let component = manifest(&["pay.example"], 3).embed(b"\0asm\x0d\0\x01\0");
    write(folder.path(), "aaaaaaaa.wasm", &component);
    write(folder.path(), "old.version", b"aaaaaaaa\n");

    let store = store(&folder);
    let old = whole(store.find("old"));
    assert_eq!((old.serves(), old.state_version()), ('a', Some(3)));
    let rolled = {
        let mut record = Record::after("ab");
        record.roll_back(None, Millis(2)).expect("there is one");
        record
    };
    store.save("old", &rolled).expect("saved");
    assert!(!folder.path().join("old.version").exists());
    assert_eq!(whole(store.find("old")), rolled);
}

/// The record is renamed into place: what a kill leaves beside it is never read.
#[test]
fn a_write_that_was_cut_short_leaves_the_record_of_before() {
    let folder = folder();
    let store = store(&folder);
    let before = Record::after("ab");
    store.save("plugin", &before).expect("saved");
    let text = fs::read(folder.path().join("plugin.history")).expect("read");
    for cut in 0..text.len() {
        write(folder.path(), "plugin.history.partial", &text[..cut]);
        assert_eq!(whole(store.find("plugin")), before);
    }
}

#[test]
fn a_record_that_is_damaged_or_lost_is_had_from_its_copy_and_written_anew() {
    let before = Record::after("ab");
    for damage in ["not JSON", "{\"trail\": [\"made up\"]}", "{}", "pinnud", ""] {
        let folder = folder();
        store(&folder).save("plugin", &before).expect("saved");
        let record = folder.path().join("plugin.history");
        match damage {
            "" => fs::remove_file(&record).expect("removed"),
            "pinnud" => {
                let text = fs::read_to_string(&record).expect("read");
                let text = text.replace("pinned", damage);
                fs::write(&record, text).expect("written");
            }
            damage => fs::write(&record, damage).expect("written"),
        }
        let versions = versions(&folder);
        assert_eq!(*versions.of("plugin").expect("there is a copy"), before);
        assert!(matches!(versions.known("plugin"), Known::Unwritten(..)));
        versions
            .save(&"plugin".into(), before.clone())
            .expect("saved");
        assert_eq!(whole(store(&folder).find("plugin")), before, "{damage}");
    }
}

#[test]
fn a_record_without_a_good_copy_says_so_and_nothing_that_it_may_name_goes() {
    let folder = folder();
    let store = store(&folder);
    store.save("neighbour", &Record::after("a")).expect("saved");
    write(folder.path(), "plugin.history", b"not JSON");
    write(folder.path(), "plugin.history.copy", b"nor this");
    store.keep(&hash('b'), b"a component").expect("kept");

    let why = unreadable(&folder);
    assert!(
        why.contains("plugin.history") && why.contains("backup"),
        "{why}"
    );
    let versions = versions(&folder);
    assert_eq!(versions.of("neighbour").expect("whole").serves(), 'a');
    assert_eq!(versions.clean().expect("read"), None);
    assert!(store.component(&hash('b')).is_ok());

    // Moved away, it is a plugin of which nothing is kept; put back, it is the one of before.
    let name = Name::from("plugin");
    for file in ["plugin.history", "plugin.history.copy"] {
        fs::remove_file(folder.path().join(file)).expect("removed");
    }
    versions.look_again(&name);
    assert!(versions.of("plugin").expect("nothing").kept().is_empty());
    write(folder.path(), "plugin.history", b"not JSON");
    let versions = Versions::open(folder.path()).expect("opened");
    Store::open(folder.path())
        .expect("opened")
        .save("plugin", &Record::after("b"))
        .expect("saved");
    versions.look_again(&name);
    assert_eq!(versions.of("plugin").expect("it is back").serves(), 'b');
    assert!(versions.clean().expect("read").is_some());
}

#[test]
fn a_record_of_a_newer_host_is_left_to_it_whatever_the_copy_is() {
    let folder = folder();
    store(&folder)
        .save("plugin", &Record::after("a"))
        .expect("saved");
    write(folder.path(), "plugin.history", b"{\"format\": 2}");
    let why = unreadable(&folder);
    assert!(why.contains("newer host"), "{why}");
}

#[test]
fn what_holds_and_could_not_be_written_is_written_whatever_it_is() {
    let folder = folder();
    let versions = versions(&folder);
    let (name, record) = (Name::from("plugin"), Record::after("a"));
    // In the place of what is written beside the record.
    let obstacle = folder.path().join("plugin.history.partial");
    fs::create_dir(&obstacle).expect("made");
    let full = versions
        .save(&name, record.clone())
        .expect_err("it is in the way");
    assert!(
        matches!(versions.known(&name), Known::Written(_)),
        "it is as it was"
    );
    versions.owe(&name, record.clone(), &full.to_string());
    assert!(
        !folder.path().join("plugin.history.copy").exists(),
        "half done"
    );
    fs::remove_dir(obstacle).expect("removed");
    versions.save(&name, record.clone()).expect("saved");
    assert_eq!(whole(store(&folder).find("plugin")), record);
}

#[test]
fn a_signature_whose_key_comes_into_force_later_was_kept() {
    let signed = version('a', None);
    let (early, late) = (SecretKey::new(&[1; 32]), SecretKey::new(&[2; 32]));
    let of = |key: &SecretKey, hash: &str| key.sign(hash).to_string();
    let nobody = Signatures::default();
    let mut kept = signed.clone();
    for signature in [of(&late, &signed.hash), of(&early, "the next version")] {
        let why = kept.take_signature(signature.as_bytes(), &nobody);
        assert!(why.expect_err("no key").contains("[signatures.keys]"));
    }
    assert_eq!(kept.signed_by(&nobody), None);
    let text = serde_json::to_string(&kept).expect("JSON");
    let kept: super::Kept = serde_json::from_str(&text).expect("reads back");
    let trusted = Signatures {
        keys: [(Name::from("carol"), public(&late))].into(),
        ..Signatures::default()
    };
    assert_eq!(kept.signed_by(&trusted), Some("carol".into()));

    let mut flooded = kept;
    for nth in 0..100 {
        let other = of(&early, &nth.to_string());
        flooded
            .take_signature(other.as_bytes(), &nobody)
            .expect_err("no key");
    }
    let good = of(&late, &signed.hash);
    flooded
        .take_signature(good.as_bytes(), &trusted)
        .expect("a key");
    for nth in 0..100 {
        let other = of(&early, &nth.to_string());
        flooded
            .take_signature(other.as_bytes(), &trusted)
            .expect_err("no key");
    }
    assert_eq!(flooded.signed_by(&trusted), Some("carol".into()));
    assert!(serde_json::to_string(&flooded).expect("JSON").len() < 2_000);
}

fn public(key: &SecretKey) -> [u8; 32] {
    let mut bytes = [0; 32];
    hex::decode_to_slice(key.public().to_string(), &mut bytes).expect("hexadecimal");
    bytes
}

/// Of record and copy, only one can be replaced.
#[test]
fn a_record_that_is_half_replaced_is_the_one_of_before_and_written_anew() {
    for (file, is_begun) in [("plugin.history.copy", false), ("plugin.history", true)] {
        let folder = folder();
        let versions = versions(&folder);
        let (name, before) = (Name::from("plugin"), Record::after("a"));
        versions.save(&name, before.clone()).expect("saved");
        // In the place of one of them.
        let obstacle = folder.path().join(file);
        fs::remove_file(&obstacle).expect("it was written");
        fs::create_dir(&obstacle).expect("made");
        let failed = versions.save(&name, Record::after("ab"));
        failed.expect_err("it is in the way");
        assert_eq!(*versions.of("plugin").expect("known"), before, "{file}");
        let is_owed = matches!(versions.known("plugin"), Known::Unwritten(..));
        assert_eq!(is_owed, is_begun, "{file}");
        assert_eq!(
            versions.clean().expect("read").is_none(),
            is_begun,
            "{file}"
        );
        let left = fs::read_dir(folder.path()).expect("read");
        let left = left.filter(|it| {
            let name = it.as_ref().expect("read").file_name();
            name.to_string_lossy().ends_with(".partial")
        });
        assert_eq!(left.count(), 0, "{file}");

        fs::remove_dir(&obstacle).expect("removed");
        versions.save(&name, before.clone()).expect("saved");
        if is_begun {
            for file in ["plugin.history", "plugin.history.copy"] {
                let text = fs::read(folder.path().join(file)).expect("read");
                assert_eq!(text::read(&text), Ok(before.clone()));
            }
        }
    }
}

#[test]
fn a_removal_holds_for_a_record_that_is_put_back_after_it() {
    let folder = folder();
    let name = Name::from("plugin");
    let mut before = Record::after("ab");
    store(&folder).save(&name, &before).expect("saved");
    let record = folder.path().join("plugin.history");
    let whole = fs::read(&record).expect("read");
    for file in ["plugin.history", "plugin.history.copy"] {
        write(folder.path(), file, b"not JSON");
    }
    let versions = versions(&folder);
    versions.note_removal(&name);
    versions.look_again(&name);
    write(folder.path(), "plugin.history", b"nor this");
    versions.look_again(&name);
    let known = versions.known(&name);
    assert!(matches!(known, Known::Unreadable { removed: true, .. }));

    write(folder.path(), "plugin.history", &whole);
    versions.look_again(&name);
    before.remove();
    assert_eq!(*versions.of(&name).expect("it is back"), before);
    assert!(
        matches!(versions.known(&name), Known::Unwritten(..)),
        "the one on disk does not know"
    );
}

#[test]
fn a_record_that_cannot_be_read_is_told_of_once_for_each_cause() {
    let folder = folder();
    let log = folder.path().join("log");
    let writer = Mutex::new(fs::File::create(&log).expect("made"));
    let subscriber = tracing_subscriber::fmt().with_writer(writer).finish();
    tracing::subscriber::with_default(subscriber, || {
        write(folder.path(), "plugin.history", b"not JSON");
        let versions = versions(&folder);
        let look_again = || (0..3).for_each(|_| versions.look_again(&"plugin".into()));
        look_again();
        fs::remove_file(folder.path().join("plugin.history")).expect("removed");
        write(folder.path(), "plugin.history.copy", b"not JSON");
        look_again();
    });
    let log = fs::read_to_string(log).expect("written");
    assert_eq!(log.matches("cannot be read").count(), 2, "{log}");
}
