//! Components as files: what they are, whether they fit this host, and the version they become.

use std::collections::BTreeMap;
use std::panic::catch_unwind;
use std::sync::Arc;

use wasmill_component::{CONTRACT, CONTRACT_VERSION, Interfaces, check, check_kind, check_names};
use wasmill_model::Name;
use wasmill_model::record::CodeVersion;
use wasmtime::component::{Component, Instance, InstancePre, Linker};
use wasmtime::error::Context;
use wasmtime::{AsContextMut, Engine, Result};

use crate::data::Data;
use crate::generated::exports::wasmill::plugin::{checker, gate, handler, query};
use crate::log::PluginLog;
use crate::surroundings::Probe;

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
        probe: Option<Arc<dyn Probe>>,
    ) -> Result<Self, String> {
        let ty = component.component_type();
        let (engine, name) = (linker.engine(), |(name, _)| name);
        let names = ty
            .imports(engine)
            .map(name)
            .chain(ty.exports(engine).map(name));
        check_names(names).map_err(|misfit| misfit.to_string())?;
        let pre = linker.instantiate_pre(component).map_err(|error| {
            format!(
                "{error:#}; this host links WASI 0.2, wasi:http's outgoing handler and \
                 {CONTRACT}*@{CONTRACT_VERSION}: build the component against these"
            )
        })?;
        let exports = Exports::find(&pre)?;
        let log = Arc::new(PluginLog::new(plugin.clone(), &hash, probe));
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

/// Why a component cannot be linked, in the contract's own words if what it imports strays from that.
pub(crate) fn explained(bytes: &[u8], reason: String) -> String {
    // Decoders may panic on what no compiler made; then there is no better explanation.
    let interfaces = catch_unwind(|| Interfaces::of(bytes))
        .ok()
        .and_then(Result::ok);
    let imports = interfaces.map(|it| Interfaces {
        exports: BTreeMap::new(),
        ..it
    });
    let misfit = imports.and_then(|imports| check(&imports).err());
    misfit.map_or(reason, |misfit| misfit.to_string())
}

/// Compiles `bytes`; if they are no component, says what they are instead.
pub(crate) fn compile(engine: &Engine, bytes: &[u8]) -> Result<Component, String> {
    check_kind(bytes).map_err(|kind| kind.to_string())?;
    Component::from_binary(engine, bytes)
        .map_err(|error| format!("it is no valid component: {error:#}"))
}
