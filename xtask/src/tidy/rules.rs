//! Rules for every file: a header, no tabs, no machine's own paths, no ignored tests, nothing
//! left to do, no lint switched off without a reason, no sleep that hopes.

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::Finding;
use super::sources::{Rust, Sources, Text};

/// Files that may block a thread for a time.
const MAY_SLEEP: &[&str] = &[
    // A thread of its own that ticks the guests' epochs.
    "host/wasm/src/engine.rs",
    // sled lets go of its file some time after it is dropped, and tells nobody.
    "host/store/src/disk/database.rs",
    // A measurement of waiting.
    "host/store/examples/append_cost.rs",
    // A guest whose misbehaviour it is.
    "tests/guests/examples/sleeper.rs",
];

/// Where things lie on one machine only. In two parts, or this file would break its own rule.
const MACHINE_PATHS: [&str; 4] = [
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("/Us", "ers/"),
    concat!("/t", "mp/"),
];

/// Checks every file.
pub(crate) fn check(sources: &Sources) -> Vec<Finding> {
    let mut findings = Vec::new();
    for text in &sources.texts {
        findings.extend(text_findings(text));
    }
    for file in &sources.rust {
        findings.extend(code_findings(file));
    }
    findings
}

fn text_findings(Text { path, content }: &Text) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut find = |line: usize, text: &str| findings.push(Finding::new(path, line, text));
    if path.ends_with(".rs") && !content.starts_with("//!") {
        find(
            1,
            "no header: open the file with `//!` and say what it is for in one to five lines",
        );
    }
    if !content.is_empty() && !content.ends_with('\n') {
        find(
            content.lines().count(),
            "no newline at the end of the file: add one",
        );
    }
    for (at, line) in content.lines().enumerate() {
        if line.contains('\t') {
            find(at + 1, "a tab: indent with spaces");
        }
        if line.trim_end() != line {
            find(at + 1, "spaces at the end of the line: remove them");
        }
        if let Some(machine) = MACHINE_PATHS
            .iter()
            .find(|machine| line.contains(**machine))
        {
            find(
                at + 1,
                &format!("`{machine}` is a path of one machine: derive it at run time"),
            );
        }
    }
    findings
}

fn code_findings(Rust { path, syntax, .. }: &Rust) -> Vec<Finding> {
    let mut visitor = Code {
        path,
        findings: Vec::new(),
    };
    visitor.visit_file(syntax);
    visitor.findings
}

/// Looks at syntax and not at text, so that strings and comments may speak of anything.
struct Code<'a> {
    path: &'a str,
    findings: Vec<Finding>,
}

impl Code<'_> {
    fn find(&mut self, at: proc_macro2::Span, text: &str) {
        self.findings
            .push(Finding::new(self.path, at.start().line, text));
    }
}

impl<'ast> Visit<'ast> for Code<'_> {
    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        let path = attribute.path();
        if path.is_ident("ignore") {
            self.find(path.span(), "an ignored test: make it pass, or remove it");
        }
        if path.is_ident("allow") {
            self.find(
                path.span(),
                "a bare allow: use `#[expect(lint, reason = \"...\")]`",
            );
        }
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        let name = item
            .path
            .segments
            .last()
            .map(|segment| segment.ident.to_string());
        if let Some("todo" | "unimplemented" | "dbg") = name.as_deref() {
            self.find(item.path.span(), "unfinished: finish it, or leave it out");
        }
        visit::visit_macro(self, item);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<String> = path
            .segments
            .iter()
            .rev()
            .take(2)
            .map(|segment| segment.ident.to_string())
            .collect();
        if names == ["sleep", "thread"] && !MAY_SLEEP.contains(&self.path) {
            self.find(
                path.span(),
                "a sleep that blocks a thread: wait for the event itself",
            );
        }
        visit::visit_path(self, path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, content: &str) -> Vec<String> {
        let mut sources = Sources::default();
        sources.add(path, content.to_owned()).unwrap();
        check(&sources).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_file_without_header_is_found() {
        let found = found("a.rs", "fn f() {}\n");
        assert!(found[0].starts_with("a.rs:1: no header"), "{found:?}");
    }

    #[test]
    fn what_is_unfinished_or_switched_off_is_found_with_its_line() {
        let code = "//! A.\n#[ignore]\nfn f() {\n    todo!()\n}\n#[allow(dead_code)]\nfn g() {}\n";
        let lines: Vec<String> = found("a.rs", code)
            .iter()
            .map(|text| text[..6].to_owned())
            .collect();
        assert_eq!(lines, ["a.rs:2", "a.rs:4", "a.rs:6"]);
    }

    #[test]
    fn a_thread_that_sleeps_is_found() {
        let found = found("a.rs", "//! A.\nfn f() {\n    std::thread::sleep(d);\n}\n");
        assert!(found[0].starts_with("a.rs:3: a sleep"), "{found:?}");
    }

    #[test]
    fn words_in_strings_and_comments_are_free() {
        let code = "//! No `todo!` here.\nconst A: &str = \"#[ignore]\";\n";
        assert!(found("a.rs", code).is_empty());
    }

    #[test]
    fn tabs_loose_ends_and_machine_paths_are_found() {
        let content = format!("a\tb\nc \nsee {}me\n", MACHINE_PATHS[0]);
        assert_eq!(found("a.md", &content).len(), 3);
    }
}
