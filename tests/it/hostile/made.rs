//! Hostile files that are made rather than written: too large, too deep, too many, or broken.

use super::cases::{Case, Expect};
use super::corpus;

/// All of them.
pub(super) fn made() -> Vec<Case> {
    let harmless = corpus::framed(HANDLER);
    let cut = harmless[..harmless.len() / 2].to_vec();
    vec![
        refused("torn", cut, "it ends in the middle"),
        refused(
            "memories",
            fields(&"(memory 0) ".repeat(100)),
            "memories count",
        ),
        refused(
            "memory_sum",
            fields(&"(memory 96) ".repeat(7)),
            "out of memory",
        ),
        refused(
            "tables",
            fields(&"(table 0 funcref) ".repeat(200)),
            "tables count",
        ),
        refused(
            "table_sum",
            fields(&"(table 60000 funcref) ".repeat(80)),
            "out of memory",
        ),
        refused("locals", fields(&locals(60_000)), "too many locals"),
        refused(
            "parameters",
            fields(&parameters(2_000)),
            "function params size",
        ),
        refused("deep_types", deep_types(1_000), "type nesting is too deep"),
        refused(
            "deep_components",
            deep_components(20_000),
            "more than 32 deep",
        ),
        handled("deep_blocks", fields(&deep_blocks(20_000))),
        handled("many_functions", fields(&"(func nop) ".repeat(2_000))),
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

fn locals(count: usize) -> String {
    format!("(func (local {}))", "i64 ".repeat(count))
}

fn parameters(count: usize) -> String {
    format!("(func (param {}))", "i32 ".repeat(count))
}

fn deep_blocks(depth: usize) -> String {
    format!("(func {}{})", "block ".repeat(depth), "end ".repeat(depth))
}

/// A list of lists of lists, and so on, which each name the one before.
fn deep_types(depth: usize) -> Vec<u8> {
    let lists = (1..depth).map(|nth| format!("(type $t{nth} (list $t{}))", nth - 1));
    let text = format!(
        "(component (type $t0 (list u8)) {} (import \"f\" (func (param \"x\" $t{}))))",
        lists.collect::<String>(),
        depth - 1
    );
    wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}"))
}

/// Components within components: by bytes, since no assembler goes that deep.
fn deep_components(depth: usize) -> Vec<u8> {
    const HEADER: &[u8] = b"\0asm\x0d\0\x01\0";
    let mut heads = vec![HEADER.to_vec()];
    let mut bytes = HEADER.len();
    for _ in 1..depth {
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
