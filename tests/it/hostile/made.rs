//! Hostile files that are made rather than written: too large, too deep, too many, or broken.

use super::cases::{Case, Expect};
use super::corpus;

/// All of them.
pub(super) fn made() -> Vec<Case> {
    let harmless = corpus::framed(HANDLER);
    let cut = harmless[..harmless.len() / 2].to_vec();
    vec![
        refused("torn", cut, "it ends in the middle"),
        refused("memories", fields(&"(memory 0) ".repeat(100)), "memories"),
        refused(
            "memory_sum",
            fields(&"(memory 96) ".repeat(7)),
            "out of memory",
        ),
        refused(
            "tables",
            fields(&"(table 0 funcref) ".repeat(200)),
            "tables",
        ),
        refused(
            "table_sum",
            fields(&"(table 60000 funcref) ".repeat(80)),
            "out of memory",
        ),
        refused("locals", fields(&locals(60_000)), "too many locals"),
        refused("deep_types", deep_types(200), "it is no valid component"),
        refused(
            "deep_components",
            deep_components(300),
            "it is no valid component",
        ),
        refused("deep_outside", deep_outside(), "it is no valid component"),
        handled("deep_blocks", fields(&deep_blocks(5_000))),
        handled("many_functions", fields(&"(func nop) ".repeat(20_000))),
        handled(
            "data",
            fields(&format!("(data \"{}\")", "x".repeat(8 << 20))),
        ),
        handled(
            "names",
            with_section(&harmless, "component-name", &[0xff; 64]),
        ),
        handled(
            "sections",
            with_section(&harmless, "producers", &[0x80; 4_096]),
        ),
    ]
}

const HANDLER: &str = "(func (export \"handle\") (param i32) (result i32) (i32.const 2048))";

fn refused(name: &str, bytes: Vec<u8>, cause: &'static str) -> Case {
    let expect = Expect::Refused(cause);
    Case::new(name, bytes, expect)
}

fn handled(name: &str, bytes: Vec<u8>) -> Case {
    Case::new(name, bytes, Expect::Handled)
}

/// A component that handles messages, with these fields besides.
fn fields(fields: &str) -> Vec<u8> {
    corpus::framed(&format!("{fields} {HANDLER}"))
}

fn assembled(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap_or_else(|error| panic!("{error}"))
}

fn locals(count: usize) -> String {
    format!("(func (local {}))", "i64 ".repeat(count))
}

fn deep_blocks(depth: usize) -> String {
    format!("(func {}{})", "(block ".repeat(depth), ")".repeat(depth))
}

fn deep_types(depth: usize) -> Vec<u8> {
    let ty = format!("{}u8{}", "(list ".repeat(depth), ")".repeat(depth));
    assembled(&format!(
        "(component (import \"f\" (func (param \"x\" {ty}))))"
    ))
}

fn deep_components(depth: usize) -> Vec<u8> {
    let (begin, end) = ("(component ".repeat(depth), ")".repeat(depth));
    assembled(&format!("{begin}{end}"))
}

/// Components within components, twenty thousand deep: by bytes, since no assembler goes there.
fn deep_outside() -> Vec<u8> {
    const HEADER: &[u8] = b"\0asm\x0d\0\x01\0";
    let mut heads = vec![HEADER.to_vec()];
    let mut bytes = HEADER.len();
    for _ in 0..20_000 {
        let mut head = HEADER.to_vec();
        head.push(4);
        leb128(&mut head, bytes);
        bytes += head.len();
        heads.push(head);
    }
    heads.into_iter().rev().flatten().collect()
}

fn leb128(into: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        into.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    into.push(number as u8);
}

/// With a custom section of this name and content at its end.
fn with_section(component: &[u8], name: &str, content: &[u8]) -> Vec<u8> {
    let mut bytes = component.to_vec();
    bytes.push(0);
    leb128(&mut bytes, 1 + name.len() + content.len());
    bytes.push(u8::try_from(name.len()).expect("a short name"));
    bytes.extend_from_slice(name.as_bytes());
    bytes.extend_from_slice(content);
    bytes
}
