//! Components as files: what they are, whether they fit this host, and the version they become.

use std::sync::Arc;

use wasmill_model::Name;
use wasmill_model::record::CodeVersion;
use wasmtime::component::{Component, Instance, InstancePre, Linker};
use wasmtime::error::Context;
use wasmtime::{AsContextMut, Engine, Result};

use crate::data::Data;
use crate::generated::exports::wasmill::plugin::{checker, gate, handler, query};
use crate::log::PluginLog;

/// The contract, as its interfaces are named in a component.
const CONTRACT: &str = "wasmill:plugin/";
/// The contract's version that this host speaks.
const CONTRACT_VERSION: &str = "0.1.0";

/// A component that fits this host.
pub(crate) struct Version {
    pub(crate) plugin: Name,
    /// SHA-256 of the file, hexadecimal.
    pub(crate) hash: String,
    /// As records name it.
    pub(crate) code: CodeVersion,
    pub(crate) pre: InstancePre<Data>,
    pub(crate) exports: Exports,
    pub(crate) log: Arc<PluginLog>,
}

/// Where a component's exports are; none for what it does not export.
pub(crate) struct Exports {
    pub(crate) handler: Option<handler::GuestIndices>,
    pub(crate) gate: Option<gate::GuestIndices>,
    pub(crate) query: Option<query::GuestIndices>,
    pub(crate) checker: Option<checker::GuestIndices>,
}

/// The exports of an instance.
pub(crate) struct Guests {
    pub(crate) handler: Option<handler::Guest>,
    pub(crate) gate: Option<gate::Guest>,
    pub(crate) query: Option<query::Guest>,
    pub(crate) checker: Option<checker::Guest>,
}

impl Version {
    /// Checks that all imports of `component` can be linked and that it exports something to
    /// call; if not, says what does not fit and the remedy.
    pub(crate) fn new(
        linker: &Linker<Data>,
        plugin: Name,
        hash: String,
        component: &Component,
    ) -> Result<Self, String> {
        check_contract(linker.engine(), component)?;
        let pre = linker.instantiate_pre(component).map_err(|error| {
            format!(
                "{error:#}; this host links WASI 0.2, wasi:http's outgoing handler and \
                 {CONTRACT}*@{CONTRACT_VERSION}: build the component against these"
            )
        })?;
        let exports = Exports::find(&pre)?;
        let log = Arc::new(PluginLog::new(plugin.clone(), &hash));
        Ok(Self {
            plugin,
            code: CodeVersion::of_hash(&hash),
            hash,
            pre,
            exports,
            log,
        })
    }
}

impl Exports {
    fn find(pre: &InstancePre<Data>) -> Result<Self, String> {
        let exported = |interface| {
            let name = format!("{CONTRACT}{interface}@{CONTRACT_VERSION}");
            pre.component().get_export_index(None, &name).is_some()
        };
        let refused = |error: wasmtime::Error| format!("{error:#}: build it against the contract");
        let find_if = |interface| exported(interface).then_some(pre);
        let found = Self {
            handler: find_if("handler")
                .map(handler::GuestIndices::new)
                .transpose()
                .map_err(refused)?,
            gate: find_if("gate")
                .map(gate::GuestIndices::new)
                .transpose()
                .map_err(refused)?,
            query: find_if("query")
                .map(query::GuestIndices::new)
                .transpose()
                .map_err(refused)?,
            checker: find_if("checker")
                .map(checker::GuestIndices::new)
                .transpose()
                .map_err(refused)?,
        };
        if found.handler.is_none() && found.gate.is_none() && found.query.is_none() {
            return Err(format!(
                "it exports nothing that the host calls: a plugin exports at least one of \
                 `handler`, `gate` and `query` of {CONTRACT}*@{CONTRACT_VERSION}"
            ));
        }
        Ok(found)
    }

    /// The exports of `instance`, whose types are checked here.
    pub(crate) fn load(
        &self,
        mut store: impl AsContextMut<Data = Data>,
        instance: &Instance,
    ) -> Result<Guests> {
        let mut store = store.as_context_mut();
        let handler = self.handler.as_ref().map(|found| {
            found
                .load(&mut store, instance)
                .context("its `handler` is not the contract's")
        });
        let gate = self.gate.as_ref().map(|found| {
            found
                .load(&mut store, instance)
                .context("its `gate` is not the contract's")
        });
        let query = self.query.as_ref().map(|found| {
            found
                .load(&mut store, instance)
                .context("its `query` is not the contract's")
        });
        let checker = self.checker.as_ref().map(|found| {
            found
                .load(&mut store, instance)
                .context("its `checker` is not the contract's")
        });
        Ok(Guests {
            handler: handler.transpose()?,
            gate: gate.transpose()?,
            query: query.transpose()?,
            checker: checker.transpose()?,
        })
    }
}

/// Compiles `bytes`; if they are no component, says what they are instead.
pub(crate) fn compile(engine: &Engine, bytes: &[u8]) -> Result<Component, String> {
    check_kind(bytes)?;
    Component::from_binary(engine, bytes)
        .map_err(|error| format!("it is no valid component: {error:#}"))
}

fn check_kind(bytes: &[u8]) -> Result<(), String> {
    const MAGIC: &[u8] = b"\0asm";
    const CORE: [u8; 4] = [1, 0, 0, 0];
    const COMPONENT: [u8; 4] = [0x0d, 0, 1, 0];
    if bytes.is_empty() {
        return Err("it is empty: copy the file whole, then rename it into place".to_owned());
    }
    if !bytes.starts_with(&MAGIC[..bytes.len().min(MAGIC.len())]) {
        let text = bytes.trim_ascii_start().starts_with(b"(");
        return Err(match text {
            true => "it is WebAssembly text: assemble it into a binary component first".to_owned(),
            false => "it is no WebAssembly: its first bytes are not `\\0asm`".to_owned(),
        });
    }
    match bytes.get(4..8) {
        None => Err(format!(
            "it ends after {} bytes: copy the file whole",
            bytes.len()
        )),
        Some(version) if version == COMPONENT && is_whole(&bytes[8..]) => Ok(()),
        Some(version) if version == COMPONENT => Err(format!(
            "it ends in the middle, after {} bytes: copy the file whole under another name, then \
             rename it into place",
            bytes.len()
        )),
        Some(version) if version == CORE => Err(
            "it is a core module, not a component: build it for wasm32-wasip2, or turn it into a \
             component with `wasm-tools component new`"
                .to_owned(),
        ),
        Some(version) => Err(format!(
            "its binary format {version:02x?} is not the component model's: build it with a \
             current toolchain"
        )),
    }
}

/// Whether the sections of a component end where the file does: half of a file has one that
/// would go on.
fn is_whole(mut sections: &[u8]) -> bool {
    while let Some((_id, rest)) = sections.split_first() {
        let mut size = 0_usize;
        let mut read = 0;
        // A size is a LEB128 number of at most five bytes.
        loop {
            let Some(byte) = rest.get(read).filter(|_| read < 5) else {
                return false;
            };
            size |= usize::from(byte & 0x7f) << (7 * read);
            read += 1;
            if byte & 0x80 == 0 {
                break;
            }
        }
        match rest[read..].get(size..) {
            Some(after) => sections = after,
            None => return false,
        }
    }
    true
}

/// Refuses interfaces of another version of the contract, imported or exported, by name.
fn check_contract(engine: &Engine, component: &Component) -> Result<(), String> {
    let component = component.component_type();
    let imports = component.imports(engine).map(|(name, _)| name);
    let exports = component.exports(engine).map(|(name, _)| name);
    for name in imports.chain(exports) {
        let Some((_, version)) = name
            .strip_prefix(CONTRACT)
            .and_then(|it| it.split_once('@'))
        else {
            continue;
        };
        if version != CONTRACT_VERSION {
            return Err(format!(
                "it uses `{name}`, and this host speaks version {CONTRACT_VERSION} of the \
                 contract: build it against wasmill:plugin@{CONTRACT_VERSION}"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_component_is_named() {
        let says = |bytes: &[u8], words: &str| {
            let error = check_kind(bytes).unwrap_err();
            assert!(error.contains(words), "{error}");
        };
        says(b"", "empty");
        says(b"#!/bin/sh", "no WebAssembly");
        says(b"  (component)", "text");
        says(b"\0as", "ends after 3 bytes");
        says(b"\0asm\x01\0\0\0", "core module");
        says(b"\0asm\x09\0\0\0", "binary format");
        assert_eq!(check_kind(b"\0asm\x0d\0\x01\0"), Ok(()));
        assert_eq!(check_kind(b"\0asm\x0d\0\x01\0\0\x03abc"), Ok(()));
        says(b"\0asm\x0d\0\x01\0\0\x03ab", "ends in the middle");
        says(b"\0asm\x0d\0\x01\0\0\x83", "ends in the middle");
    }
}
