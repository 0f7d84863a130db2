//! Core modules: what is known of one that a compiler wrote, and the contract's types for one that
//! tells none.

use std::collections::BTreeSet;
use std::fmt::Display;

use wasi_preview1_component_adapter_provider::WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME;
use wasmill_component::{CONTRACT, CONTRACT_VERSION, resolved_contract};
use wasmparser::{BinaryReaderError, Parser, Payload};
use wit_component::{StringEncoding, embed_component_metadata};

/// Beginning of the names of sections that tell types.
const TYPES: &str = "component-type";

/// What a module tells.
#[derive(Debug, Default)]
pub(crate) struct Module {
    /// Whether it imports WASI's first version.
    pub(crate) imports_preview1: bool,
    /// Whether it says what its types are.
    pub(crate) is_typed: bool,
    /// The interfaces of the contract that it exports functions of.
    pub(crate) exports: BTreeSet<String>,
}

impl Module {
    /// Reads all of a module.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, BinaryReaderError> {
        let mut module = Self::default();
        for payload in Parser::new(0).parse_all(bytes) {
            match payload? {
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        module.imports_preview1 |=
                            import?.module == WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME;
                    }
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        module.exports.extend(interface(export?.name));
                    }
                }
                Payload::CustomSection(section) => {
                    module.is_typed |= section.name().starts_with(TYPES);
                }
                _ => {}
            }
        }
        Ok(module)
    }

    /// Says in `bytes`, which are this module's, that its types are the contract's.
    ///
    /// The world is one for this module: all imports, and the exports that it has. The worlds of the
    /// contract are for authors to read, and there is none for every set of exports.
    pub(crate) fn give_types(&self, bytes: &mut Vec<u8>) -> Result<(), String> {
        let mut resolve = resolved_contract();
        let exports = self.exports.iter().map(|it| format!("export {it};"));
        let exports: String = exports.collect();
        let text = format!(
            "package wasmill:project;
            world plugin {{ include {CONTRACT}imports@{CONTRACT_VERSION}; {exports} }}"
        );
        let package = resolve.push_source("project.wit", &text).map_err(told)?;
        let world = resolve
            .select_world(&[package], Some("plugin"))
            .map_err(told)?;
        embed_component_metadata(bytes, &resolve, world, StringEncoding::UTF8).map_err(told)
    }
}

/// The interface of the contract that an exported function is of: `INTERFACE#FUNCTION`.
fn interface(export: &str) -> Option<String> {
    let (interface, _function) = export.split_once('#')?;
    interface
        .starts_with(CONTRACT)
        .then(|| interface.to_owned())
}

/// An error with its causes.
fn told(error: impl Display) -> String {
    format!("{error:#}")
}
