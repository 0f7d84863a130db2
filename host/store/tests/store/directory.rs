//! Who and what a data directory refuses.

use std::fs;

use tempfile::{TempDir, tempdir};
use wasmill_store::{DataDir, DirError, Options, Settings, Sled};

use crate::child;

fn refusal(scratch: &TempDir, settings: Settings) -> String {
    DataDir::open(scratch.path(), settings)
        .unwrap_err()
        .to_string()
}

fn with_header(header: &str) -> TempDir {
    let scratch = tempdir().unwrap();
    fs::write(scratch.path().join("header.json"), header).unwrap();
    scratch
}

#[test]
fn a_new_directory_gets_a_header_and_its_parts() {
    let scratch = tempdir().unwrap();
    let path = scratch.path().join("not/yet/there");
    let dir = DataDir::open(&path, Settings::default()).unwrap();
    assert_eq!(dir.settings().partitions, 64);
    for part in [dir.db(), dir.plugins(), dir.cache(), dir.files()] {
        assert!(part.is_dir() && part.starts_with(dir.path()));
    }
    let header = fs::read_to_string(path.join("header.json")).unwrap();
    assert!(header.contains("\"hash\": \"xxh3-64\""), "{header}");
    drop(dir);
    DataDir::open(&path, Settings::default()).unwrap();
}

#[test]
fn a_second_process_is_refused_and_told_the_first() {
    let scratch = tempdir().unwrap();
    let dir = DataDir::open(scratch.path(), Settings::default()).unwrap();
    let stores = Sled::open(&dir, &Options::default()).unwrap();
    // The stores go on holding it.
    drop(dir);
    let output = child::command("directory::second_process", scratch.path())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let holder = format!("in use by process {}", std::process::id());
    assert!(said.contains(&holder), "{said}");
    assert!(said.contains(scratch.path().to_str().unwrap()), "{said}");
    drop(stores);
    DataDir::open(scratch.path(), Settings::default()).unwrap();
}

#[test]
fn second_process() {
    if let Some(directory) = child::directory() {
        println!(
            "{}",
            DataDir::open(directory, Settings::default()).unwrap_err()
        );
    }
}

#[test]
fn other_settings_than_at_creation_are_refused() {
    let scratch = tempdir().unwrap();
    drop(DataDir::open(scratch.path(), Settings::default()).unwrap());
    let more = Settings {
        partitions: 128,
        ..Settings::default()
    };
    let said = refusal(&scratch, more);
    assert!(
        said.contains("partitions = 64, configured is 128"),
        "{said}"
    );
    let other = Settings {
        hash: "crc32".to_owned(),
        ..Settings::default()
    };
    let said = refusal(&scratch, other);
    assert!(
        said.contains("hash = xxh3-64, configured is crc32"),
        "{said}"
    );
}

#[test]
fn another_format_is_refused_with_the_version_that_made_it() {
    let scratch = with_header(r#"{"format": 9, "created_by": "wasmill 7.0.0", "moon": "full"}"#);
    let said = refusal(&scratch, Settings::default());
    assert!(
        said.contains("format 9") && said.contains("wasmill 7.0.0"),
        "{said}"
    );
}

#[test]
fn a_broken_header_is_refused() {
    for header in [
        "",
        "{",
        "[]",
        r#"{"format": 4}"#,
        r#"{"format": 4, "partitions": "many"}"#,
    ] {
        let said = refusal(&with_header(header), Settings::default());
        assert!(
            said.contains("header.json") && said.contains("restore"),
            "{said}"
        );
    }
}

#[test]
fn a_database_without_a_header_is_refused() {
    let scratch = tempdir().unwrap();
    fs::create_dir_all(scratch.path().join("db/log")).unwrap();
    let said = refusal(&scratch, Settings::default());
    assert!(said.contains("no header.json"), "{said}");
}

#[test]
fn a_database_that_is_gone_is_missed_once_there_were_plugins() {
    let scratch = tempdir().unwrap();
    drop(DataDir::open(scratch.path(), Settings::default()).unwrap());
    // As a crash before the database's creation leaves it.
    fs::remove_dir(scratch.path().join("db")).unwrap();
    drop(DataDir::open(scratch.path(), Settings::default()).unwrap());
    fs::write(scratch.path().join("plugins/order.wasm"), "kept").unwrap();
    fs::remove_dir(scratch.path().join("db")).unwrap();
    let said = refusal(&scratch, Settings::default());
    assert!(
        said.contains("no database") && said.contains("Restore db/"),
        "{said}"
    );
    assert!(!scratch.path().join("db").exists());
}

#[test]
fn a_file_is_no_data_directory() {
    let scratch = tempdir().unwrap();
    let file = scratch.path().join("file");
    fs::write(&file, "data").unwrap();
    for path in [file.clone(), file.join("below")] {
        let error = DataDir::open(path, Settings::default()).unwrap_err();
        assert!(matches!(error, DirError::NotADirectory { .. }), "{error}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_place_that_cannot_be_written_is_refused() {
    // Not even root creates a directory there.
    let error = DataDir::open("/sys/wasmill", Settings::default()).unwrap_err();
    assert!(matches!(error, DirError::ReadOnly { .. }), "{error}");
    assert!(
        error.to_string().contains("give this user write access"),
        "{error}"
    );
}
