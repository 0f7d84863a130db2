//! Sizes of files and functions as a ratchet: what is too large is listed with its size in
//! `xtask/tidy-ratchet.toml`, and the list may only shrink.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use testkit::artifacts::workspace;

use super::Finding;
use super::sources::{Rust, Sources};

/// Lines of a usual file, at most.
const FILE_LINES_MAX: usize = 400;
/// Lines of an exceptional one, at most.
const FILE_LINES_EVER: usize = 600;
/// Per cent of the files that may be exceptional.
const EXCEPTIONAL_PER_CENT: usize = 10;
/// Lines of a function, at most.
const FUNCTION_LINES_MAX: usize = 70;

/// The list of exceptions: sizes in lines.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ratchet {
    /// By path.
    #[serde(default)]
    files: BTreeMap<String, usize>,
    /// By `path::name`.
    #[serde(default)]
    functions: BTreeMap<String, usize>,
}

/// A function and where it is.
struct Function {
    line: usize,
    lines: usize,
}

/// Checks all sizes against the list, which is written anew if it may `shrink`.
///
/// # Errors
/// If the list cannot be read or written.
pub(crate) fn check(sources: &Sources, shrink: bool) -> Result<Vec<Finding>> {
    let path = workspace().join("xtask/tidy-ratchet.toml");
    let ratchet = read(&path)?;
    let (findings, shrunk) = judge(&sources.rust, &ratchet);
    if shrink && shrunk != ratchet {
        let text = toml::to_string(&shrunk)?;
        fs::write(&path, format!("{HEADER}\n{text}"))?;
        return Ok(judge(&sources.rust, &shrunk).0);
    }
    Ok(findings)
}

const HEADER: &str = "\
# What is larger than usual, in lines. This list may only shrink: `cargo xtask tidy --shrink`
# lowers and removes entries; nothing adds any.
";

fn read(path: &PathBuf) -> Result<Ratchet> {
    let subject = || format!("cannot read {}", path.display());
    toml::from_str(&fs::read_to_string(path).with_context(subject)?).with_context(subject)
}

/// What is against the rules under this ratchet, and the tightest ratchet that it allows.
fn judge(files: &[Rust], ratchet: &Ratchet) -> (Vec<Finding>, Ratchet) {
    let mut findings = Vec::new();
    let mut tightest = Ratchet::default();
    for file in files {
        let name = &file.path;
        let listed = ratchet.files.get(name).copied();
        findings.extend(compare(
            name,
            1,
            "the file",
            file.lines,
            FILE_LINES_MAX,
            listed,
        ));
        if file.lines > FILE_LINES_EVER {
            let text = format!(
                "{} lines, no file has over {FILE_LINES_EVER}: split it",
                file.lines
            );
            findings.push(Finding::new(name, 1, text));
        }
        if let Some(listed) = listed.filter(|_| file.lines > FILE_LINES_MAX) {
            tightest.files.insert(name.clone(), listed.min(file.lines));
        }
        for (function, Function { line, lines }) in functions(&file.syntax) {
            let id = format!("{name}::{function}");
            let listed = ratchet.functions.get(&id).copied();
            let what = format!("`{function}`");
            findings.extend(compare(
                name,
                line,
                &what,
                lines,
                FUNCTION_LINES_MAX,
                listed,
            ));
            if let Some(listed) = listed.filter(|_| lines > FUNCTION_LINES_MAX) {
                tightest.functions.insert(id, listed.min(lines));
            }
        }
    }
    for gone in stale(ratchet, &tightest) {
        let text = format!("`{gone}` is large no more: run `cargo xtask tidy --shrink`");
        findings.push(Finding::new("xtask/tidy-ratchet.toml", 1, text));
    }
    if ratchet.files.len() * 100 > files.len() * EXCEPTIONAL_PER_CENT {
        let text = format!("over {EXCEPTIONAL_PER_CENT}% of the files are exceptions: split some");
        findings.push(Finding::new("xtask/tidy-ratchet.toml", 1, text));
    }
    (findings, tightest)
}

fn compare(
    path: &str,
    line: usize,
    what: &str,
    lines: usize,
    usual: usize,
    listed: Option<usize>,
) -> Option<Finding> {
    let text = match listed {
        None if lines > usual => format!("{what} has {lines} lines, over {usual}: split it"),
        Some(listed) if lines > listed => {
            format!("{what} has grown from {listed} to {lines} lines: split it")
        }
        Some(listed) if (usual + 1..listed).contains(&lines) => {
            format!("{what} has shrunk from {listed} to {lines}: run `cargo xtask tidy --shrink`")
        }
        _ => return None,
    };
    Some(Finding::new(path, line, text))
}

/// Entries for what is gone or no longer large.
fn stale(ratchet: &Ratchet, tightest: &Ratchet) -> Vec<String> {
    let files = ratchet
        .files
        .keys()
        .filter(|name| !tightest.files.contains_key(*name));
    let functions = ratchet
        .functions
        .keys()
        .filter(|id| !tightest.functions.contains_key(*id));
    files.chain(functions).cloned().collect()
}

/// All functions by name. Of several with one name in a file, the largest counts.
fn functions(syntax: &syn::File) -> BTreeMap<String, Function> {
    let mut found = Functions::default();
    found.visit_file(syntax);
    found.0
}

#[derive(Default)]
struct Functions(BTreeMap<String, Function>);

impl Functions {
    fn add(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let line = signature.span().start().line;
        let lines = block.span().end().line + 1 - line;
        let known = self
            .0
            .entry(signature.ident.to_string())
            .or_insert(Function { line, lines });
        if lines > known.lines {
            *known = Function { line, lines };
        }
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.add(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.add(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.add(&item.sig, block);
        }
        visit::visit_trait_item_fn(self, item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(function_lines: usize, file_lines: usize) -> Vec<Rust> {
        let body = "    let _ = 1;\n".repeat(function_lines - 2);
        let rest = "// more\n".repeat(file_lines - function_lines);
        let mut sources = Sources::default();
        sources
            .add("a.rs", format!("fn f() {{\n{body}}}\n{rest}"))
            .unwrap();
        sources.rust
    }

    fn listed(file: Option<usize>, function: Option<usize>) -> Ratchet {
        Ratchet {
            files: file
                .map(|lines| ("a.rs".to_owned(), lines))
                .into_iter()
                .collect(),
            functions: function
                .map(|lines| ("a.rs::f".to_owned(), lines))
                .into_iter()
                .collect(),
        }
    }

    fn texts(files: &[Rust], ratchet: &Ratchet) -> Vec<String> {
        judge(files, ratchet)
            .0
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn usual_sizes_pass() {
        assert!(texts(&file(70, 400), &Ratchet::default()).is_empty());
    }

    #[test]
    fn what_is_large_and_not_listed_is_found() {
        let found = texts(&file(71, 401), &Ratchet::default());
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[1].contains("`f` has 71 lines"));
    }

    #[test]
    fn what_is_listed_may_not_grow() {
        let found = texts(&file(82, 100), &listed(None, Some(80)));
        assert!(found[0].contains("has grown from 80 to 82"), "{found:?}");
    }

    #[test]
    fn what_has_shrunk_must_be_listed_smaller_or_not_at_all() {
        let (found, tightest) = judge(&file(75, 100), &listed(None, Some(80)));
        assert!(found[0].text.contains("has shrunk"));
        assert_eq!(tightest, listed(None, Some(75)));
        let (found, tightest) = judge(&file(60, 100), &listed(None, Some(80)));
        assert!(found[0].text.contains("large no more"));
        assert_eq!(tightest, Ratchet::default());
    }

    #[test]
    fn no_list_excuses_a_giant() {
        let found = texts(&file(10, 601), &listed(Some(601), None));
        assert!(
            found
                .iter()
                .any(|text| text.contains("no file has over 600")),
            "{found:?}"
        );
    }
}
