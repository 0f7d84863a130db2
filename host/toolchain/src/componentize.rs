//! From what a compiler wrote to a component that hosts take.

use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wasmill_component::{
    Description, Interfaces, Misfit, NotComponent, check_kind, check_names, check_plugin,
};
use wit_component::ComponentEncoder;

use crate::module::Module;

/// Why what was compiled is no plugin.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The module cannot be read.
    #[error("the compiled module cannot be read: {0}: remove the project's `build` and build anew")]
    Torn(String),
    /// The module cannot be turned into a component.
    #[error(
        "the compiled module cannot be turned into a component: {0}: a plugin may import the \
         contract of wasmill/wit and WASI, and its bindings must be those of wasmill/"
    )]
    Module(String),
    /// It is not the component that it was to be.
    #[error("what was compiled is no component: {0}")]
    Component(#[from] wasmill_component::Error),
    /// No host would take it.
    #[error("what was compiled is refused by every host: {0}")]
    Misfit(#[from] Misfit),
    /// It has a manifest already.
    #[error("what was compiled has a manifest already: leave it to plugin.toml")]
    Manifest,
}

/// Turns a core module into a component; a component is left as it is.
///
/// The module's types are those of its `component-type` sections, which bindings put there; those of
/// the contract if there are none, since not every compiler can. What it imports of WASI's first
/// version is adapted to the second.
///
/// # Errors
/// [`Error::Torn`], [`Error::Module`], [`Error::Misfit`] for an export that is none, or [`Error::Component`] if it is neither.
pub fn componentize(mut compiled: Vec<u8>) -> Result<Vec<u8>, Error> {
    match check_kind(&compiled) {
        Ok(()) => return Ok(compiled),
        Err(NotComponent::Module) => {}
        Err(other) => return Err(wasmill_component::Error::from(other).into()),
    }
    let refused = |error| Error::Module(format!("{error:#}"));
    let module = Module::read(&compiled).map_err(|error| Error::Torn(error.to_string()))?;
    if !module.is_typed {
        check_names(module.exports.iter().map(String::as_str))?;
        module.give_types(&mut compiled).map_err(Error::Module)?;
    }
    let mut encoder = ComponentEncoder::default()
        .validate(true)
        .module(&compiled)
        .map_err(refused)?;
    if module.imports_preview1 {
        let name = WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME;
        encoder = encoder
            .adapter(name, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER)
            .map_err(refused)?;
    }
    encoder.encode().map_err(refused)
}

/// Checks that a host of this version takes a component, and that its manifest is left to the
/// project's file; returns what it imports and exports.
///
/// # Errors
/// [`Error`] if no host would take it.
pub fn fit(component: &[u8]) -> Result<Interfaces, Error> {
    let description = Description::of(component)?;
    check_plugin(&description.interfaces)?;
    match description.manifest {
        None => Ok(description.interfaces),
        Some(_) => Err(Error::Manifest),
    }
}
