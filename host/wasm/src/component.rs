//! Components as files: what they are, whether they fit this host, and the version they become.

use std::collections::BTreeMap;
use std::panic::catch_unwind;
use std::sync::{Arc, Mutex, PoisonError};

use wasmill_component::{
    CONTRACT, CONTRACT_VERSION, Capabilities, Interfaces, LINKED_IN_WORDS, MESSAGING, Manifest,
    check, check_called, check_kind, check_names,
};
use wasmill_model::Name;
use wasmill_model::record::CodeVersion;
use wasmill_model::routes::PluginSettings;
use wasmtime::component::{Component, Instance, InstancePre};
use wasmtime::error::Context;
use wasmtime::{AsContextMut, Engine, Result};

use crate::account::Meter;
use crate::data::Data;
use crate::generated::drafts::exports::wasi::messaging::incoming_handler;
use crate::generated::exports::wasmill::plugin::{checker, gate, handler, migration, query};
use crate::log::PluginLog;
use crate::registry::Host;
use crate::versions::narrowed;

/// A component that fits this host.
pub(crate) struct Version {
    pub(crate) plugin: Name,
    /// SHA-256 of the file, hexadecimal.
    pub(crate) hash: String,
    /// As records name it.
    pub(crate) code: CodeVersion,
    /// The version of the schema of the states that it writes.
    pub(crate) state_version: u32,
    /// What it asks for; none if it does not say.
    pub(crate) asks: Option<Capabilities>,
    pub(crate) pre: InstancePre<Data>,
    pub(crate) exports: Exports,
    pub(crate) log: Arc<PluginLog>,
    pub(crate) meter: Arc<Meter>,
    /// What the log was told last that it has to do without.
    warned: Mutex<Vec<String>>,
}

/// Where a component's exports are; none for what it does not export.
pub(crate) struct Exports {
    pub(crate) handler: Option<handler::GuestIndices>,
    pub(crate) gate: Option<gate::GuestIndices>,
    pub(crate) query: Option<query::GuestIndices>,
    pub(crate) checker: Option<checker::GuestIndices>,
    pub(crate) migration: Option<migration::GuestIndices>,
    /// Only looked at if there is no `handler`.
    pub(crate) messaging: Option<incoming_handler::GuestIndices>,
}

/// The exports of an instance.
pub(crate) struct Guests {
    pub(crate) handler: Option<handler::Guest>,
    pub(crate) gate: Option<gate::Guest>,
    pub(crate) query: Option<query::Guest>,
    pub(crate) checker: Option<checker::Guest>,
    pub(crate) migration: Option<migration::Guest>,
    pub(crate) messaging: Option<incoming_handler::Guest>,
}

impl Version {
    /// Checks that all imports of `component` can be linked and that it exports something to
    /// call; if not, says what does not fit and the remedy.
    pub(crate) fn new(
        host: &Host,
        plugin: Name,
        hash: String,
        manifest: Option<&Manifest>,
        component: &Component,
    ) -> Result<Self, String> {
        let ty = component.component_type();
        let (engine, name) = (host.linker.engine(), |(name, _)| name);
        let names = ty
            .imports(engine)
            .map(name)
            .chain(ty.exports(engine).map(name));
        check_names(names).map_err(|misfit| misfit.to_string())?;
        let pre = host.linker.instantiate_pre(component).map_err(|error| {
            format!(
                "{error:#}; this host links {LINKED_IN_WORDS}@{CONTRACT_VERSION}: build the \
                 component against these"
            )
        })?;
        check_called(ty.exports(engine).map(name)).map_err(|misfit| misfit.to_string())?;
        let exports = Exports::find(&pre)?;
        let probe = host.surroundings.probe.clone();
        let log = Arc::new(PluginLog::new(plugin.clone(), &hash, probe));
        let code = CodeVersion::of_hash(&hash);
        Ok(Self {
            meter: host.meters.of(&plugin, code),
            plugin,
            code,
            state_version: manifest.map_or(1, |it| it.state_version),
            asks: manifest.map(|it| it.capabilities.clone()),
            hash,
            pre,
            exports,
            log,
            warned: Mutex::default(),
        })
    }

    /// The settings without what is granted to the plugin and this version does not ask for, which is
    /// logged once.
    pub(crate) fn narrowed(&self, settings: &Arc<PluginSettings>) -> Arc<PluginSettings> {
        let Some(asks) = &self.asks else {
            return settings.clone();
        };
        let (grants, unasked) = narrowed(&settings.grants, asks);
        if unasked.is_empty() {
            return settings.clone();
        }
        self.warn_of(unasked);
        Arc::new(PluginSettings {
            grants,
            ..PluginSettings::clone(settings)
        })
    }

    fn warn_of(&self, unasked: Vec<String>) {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        if *warned == unasked {
            return;
        }
        tracing::warn!(
            plugin = %self.plugin,
            version = &self.hash[..12],
            "its manifest does not ask for {}, which is granted: it has to do without",
            unasked.join(", ")
        );
        *warned = unasked;
    }
}

impl Exports {
    fn find(pre: &InstancePre<Data>) -> Result<Self, String> {
        let has = |name: &str| pre.component().get_export_index(None, name).is_some();
        let exported = |interface| has(&format!("{CONTRACT}{interface}@{CONTRACT_VERSION}"));
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
            migration: find_if("migration")
                .map(migration::GuestIndices::new)
                .transpose()
                .map_err(refused)?,
            messaging: has(MESSAGING)
                .then(|| incoming_handler::GuestIndices::new(pre))
                .transpose()
                .map_err(refused)?,
        };
        Ok(found)
    }

    /// Whether there is something to call with a message.
    pub(crate) fn handles(&self) -> bool {
        self.handler.is_some() || self.messaging.is_some()
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
        let migration = self.migration.as_ref().map(|found| {
            found
                .load(&mut store, instance)
                .context("its `migration` is not the contract's")
        });
        let messaging = self.messaging.as_ref().map(|found| {
            found
                .load(&mut store, instance)
                .with_context(|| format!("its `{MESSAGING}` is not the proposal's"))
        });
        Ok(Guests {
            handler: handler.transpose()?,
            gate: gate.transpose()?,
            query: query.transpose()?,
            checker: checker.transpose()?,
            migration: migration.transpose()?,
            messaging: messaging.transpose()?,
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
