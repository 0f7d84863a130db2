//! Whether a file is a component at all, and what it is instead.

use wasmparser::{Chunk, Encoding, Parser, Payload};

/// Most components and modules within each other. Compilers make three; composed components have a
/// few more. Thousands fit into a small file, and take wasmtime minutes to look through.
const NESTING_MAX: usize = 32;

/// Why a file is no component, and the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotComponent {
    /// There is nothing in it.
    #[error("it is empty: copy the file whole, then rename it into place")]
    Empty,
    /// It is assembly text.
    #[error("it is WebAssembly text: assemble it into a binary component first")]
    Text,
    /// It begins as something else.
    #[error("it is no WebAssembly: its first bytes are not `\\0asm`")]
    Foreign,
    /// It ends in the middle.
    #[error(
        "it ends in the middle, after {0} bytes: copy the file whole under another name, then \
         rename it into place"
    )]
    Torn(usize),
    /// It is a module.
    #[error(
        "it is a core module, not a component: make a plugin of its project with \
         `wasmill plugin build`"
    )]
    Module,
    /// It is wrapped too often.
    #[error(
        "it has components within each other more than {NESTING_MAX} deep: compose it of fewer"
    )]
    Nested,
    /// It is WebAssembly that cannot be read.
    #[error("it is no valid component: {0}: build it with a current toolchain")]
    Invalid(String),
}

/// Whether `bytes` are a whole component, by its sections. Of what is in them, only how deep it goes
/// is looked at.
///
/// # Errors
/// What it is instead.
pub fn check_kind(bytes: &[u8]) -> Result<(), NotComponent> {
    const MAGIC: &[u8] = b"\0asm";
    if bytes.is_empty() {
        return Err(NotComponent::Empty);
    }
    if !bytes.starts_with(&MAGIC[..bytes.len().min(MAGIC.len())]) {
        let is_text = bytes.trim_ascii_start().starts_with(b"(");
        return Err(if is_text {
            NotComponent::Text
        } else {
            NotComponent::Foreign
        });
    }
    let torn = || NotComponent::Torn(bytes.len());
    let mut parser = Parser::new(0);
    let mut rest = bytes;
    loop {
        let chunk = parser
            .parse(rest, true)
            .map_err(|error| match error.message() {
                // The parser says so of what goes on behind the file's end.
                message if message.starts_with("unexpected end") => torn(),
                _ => NotComponent::Invalid(error.to_string()),
            })?;
        let Chunk::Parsed { consumed, payload } = chunk else {
            return Err(torn());
        };
        rest = &rest[consumed..];
        match payload {
            Payload::Version {
                encoding: Encoding::Module,
                ..
            } => return Err(NotComponent::Module),
            // What lies within is passed over whole.
            Payload::ModuleSection {
                unchecked_range, ..
            }
            | Payload::ComponentSection {
                unchecked_range, ..
            } => {
                rest = rest.get(unchecked_range.len()..).ok_or_else(torn)?;
            }
            Payload::End(_) => return check_nesting(bytes),
            _ => {}
        }
    }
}

fn check_nesting(component: &[u8]) -> Result<(), NotComponent> {
    let mut depth = 0_usize;
    // What cannot be read is for the compiler to explain.
    for payload in Parser::new(0).parse_all(component).map_while(Result::ok) {
        match payload {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > NESTING_MAX {
            return Err(NotComponent::Nested);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_component_is_named() {
        assert_eq!(check_kind(b""), Err(NotComponent::Empty));
        assert_eq!(check_kind(b"#!/bin/sh"), Err(NotComponent::Foreign));
        assert_eq!(check_kind(b"  (component)"), Err(NotComponent::Text));
        assert_eq!(check_kind(b"\0as"), Err(NotComponent::Torn(3)));
        assert_eq!(check_kind(b"\0asm\x01\0\0\0"), Err(NotComponent::Module));
        let other = check_kind(b"\0asm\x09\0\0\0");
        assert!(matches!(other, Err(NotComponent::Invalid(_))), "{other:?}");
        assert_eq!(check_kind(b"\0asm\x0d\0\x01\0"), Ok(()));
        assert_eq!(check_kind(b"\0asm\x0d\0\x01\0\0\x03\x01ab"), Ok(()));
        assert_eq!(
            check_kind(b"\0asm\x0d\0\x01\0\0\x03\x01a"),
            Err(NotComponent::Torn(12))
        );
        assert_eq!(
            check_kind(b"\0asm\x0d\0\x01\0\0\x83"),
            Err(NotComponent::Torn(10))
        );
    }

    #[test]
    fn components_within_each_other_are_bounded() {
        let nested = |depth: usize| {
            let text = format!("{}{}", "(component ".repeat(depth), ")".repeat(depth));
            check_kind(&wat::parse_str(text).unwrap())
        };
        assert_eq!(nested(NESTING_MAX + 1), Ok(()));
        assert_eq!(nested(NESTING_MAX + 2), Err(NotComponent::Nested));
    }

    #[test]
    fn a_component_cut_off_anywhere_is_told_as_torn() {
        let whole = wat::parse_str("(component (core module (func nop)) (type string))").unwrap();
        assert_eq!(check_kind(&whole), Ok(()));
        let mut between = 0;
        for end in 1..whole.len() {
            match check_kind(&whole[..end]) {
                Err(NotComponent::Torn(bytes)) => assert_eq!(bytes, end),
                // Between two sections nothing shows that more came.
                Ok(()) => between += 1,
                Err(error) => panic!("{end}: {error}"),
            }
        }
        assert!(between <= 2, "{between} ends between sections");
    }
}
