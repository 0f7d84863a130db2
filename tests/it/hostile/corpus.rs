//! The hostile texts in `tests/guests/hostile`, assembled.

use std::fs;
use std::path::PathBuf;

use testkit::artifacts;

/// The options of a handler's lift, unless its fragment says others.
const LIFT: &str = "(realloc $realloc)";

/// A text's component, or module.
pub(super) fn assembled(name: &str) -> Vec<u8> {
    let path = folder().join(format!("{name}.wat"));
    let text = fs::read_to_string(&path);
    let text = text.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let is_whole = |line: &str| line.starts_with("(component") || line.starts_with("(module");
    match text.lines().any(is_whole) {
        true => parsed(name, &text),
        false => framed(&text),
    }
}

/// A component around a fragment: the fields of its core module. A line `;; lift: ...` gives the
/// options of its handler's lift.
pub(super) fn framed(fragment: &str) -> Vec<u8> {
    let frame = fs::read_to_string(folder().join("frame.wat")).expect("the frame");
    let mut lines = fragment.lines();
    let lift = lines.find_map(|line| line.strip_prefix(";; lift: "));
    let whole = frame
        .replace(";; FRAGMENT", fragment)
        .replace(";; LIFT", lift.unwrap_or(LIFT));
    parsed(fragment, &whole)
}

/// The names of all texts.
pub(super) fn names() -> Vec<String> {
    let entries = fs::read_dir(folder()).expect("the corpus");
    let names = entries.map(|entry| {
        let path = entry.expect("an entry").path();
        let stem = path.file_stem().expect("a name");
        stem.to_string_lossy().into_owned()
    });
    names.filter(|name| name != "frame").collect()
}

fn parsed(what: &str, text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap_or_else(|error| panic!("{what}: {error}"))
}

fn folder() -> PathBuf {
    artifacts::workspace().join("tests/guests/hostile")
}
