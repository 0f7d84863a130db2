//! Modules as compilers leave them, turned into plugins; and what is none, refused with the remedy.

use std::path::Path;

use wasmill_component::{CONTRACT_VERSION, Capabilities, Description, Manifest, Misfit};
use wasmill_toolchain::{ComponentizeError as Error, componentize, fit};
use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// What the canonical ABI needs of a module.
const ABI: &str = r#"(memory (export "memory") 1)
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)"#;
const HANDLER: &str = r#"(func (export "wasmill:plugin/handler@0.1.0#handle")
    (param i32) (result i32) unreachable)"#;
const FD_WRITE: &str = r#"(import "wasi_snapshot_preview1" "fd_write"
    (func (param i32 i32 i32 i32) (result i32)))"#;

/// A module, as a linker makes it.
fn module(imports: &str, handler: &str) -> Vec<u8> {
    let text = format!("(module {imports} {ABI} {handler})");
    wat::parse_str(text).expect("well-formed")
}

/// The module with the types of the world `step`, as the objects of some bindings bring them.
fn typed(mut module: Vec<u8>) -> Vec<u8> {
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    let mut resolve = Resolve::default();
    let mut text = String::new();
    // The one that names the package is the first.
    for name in ["types", "host", "exports", "worlds"] {
        let file = std::fs::read_to_string(wit.join(format!("{name}.wit")));
        text.push_str(&file.expect("the contract"));
    }
    let package = resolve
        .push_source("contract.wit", &text)
        .expect("the contract");
    let world = resolve
        .select_world(&[package], Some("step"))
        .expect("a world");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
        .expect("its types");
    module
}

fn manifest() -> Manifest {
    Manifest {
        name: "loyalty".to_owned(),
        version: "1.2.0".to_owned(),
        language: Some("c".to_owned()),
        description: None,
        capabilities: Capabilities::default(),
        routes: Some("[topics]\n".to_owned()),
        state_version: 3,
    }
}

fn imports(component: &[u8]) -> Vec<String> {
    let description = Description::of(component).expect("a component");
    description.interfaces.imports.into_keys().collect()
}

#[test]
fn a_module_becomes_a_plugin_that_tells_its_manifest() {
    let component = componentize(typed(module("", HANDLER))).expect("a component");
    fit(&component).expect("a plugin");
    let plugin = manifest().embed(&component);
    let description = Description::of(&plugin).expect("a component");
    assert_eq!(description.manifest, Some(manifest()));
    let handler = format!("wasmill:plugin/handler@{CONTRACT_VERSION}");
    assert!(description.interfaces.exports.contains_key(&handler));
    // What it does not use is not asked for.
    let only_types = [format!("wasmill:plugin/types@{CONTRACT_VERSION}")];
    assert_eq!(imports(&plugin), only_types);
    // A component is taken as it is.
    assert_eq!(
        componentize(component.clone()).expect("the same"),
        component
    );
}

#[test]
fn a_module_that_tells_no_types_has_those_of_what_it_exports() {
    let query = r#"(func (export "wasmill:plugin/query@0.1.0#answer")
        (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) unreachable)"#;
    let log = r#"(import "wasmill:plugin/log@0.1.0" "write" (func (param i32 i32 i32)))"#;
    for (exports, interfaces) in [
        (HANDLER, &["handler"][..]),
        (&format!("{HANDLER}{query}"), &["handler", "query"]),
    ] {
        let component = componentize(module(log, exports)).expect("a component");
        let description = Description::of(&component).expect("a component");
        let named = interfaces
            .iter()
            .map(|it| format!("wasmill:plugin/{it}@0.1.0"));
        let exported: Vec<String> = description.interfaces.exports.into_keys().collect();
        assert_eq!(exported, named.collect::<Vec<_>>());
        let log = format!("wasmill:plugin/log@{CONTRACT_VERSION}");
        assert!(description.interfaces.imports.contains_key(&log));
    }
    let unknown = r#"(func (export "wasmill:plugin/oracle@0.1.0#ask"))"#;
    let error = componentize(module(log, unknown)).expect_err("the contract has no such interface");
    assert!(error.to_string().contains("oracle"), "{error}");
}

#[test]
fn what_a_module_imports_of_the_first_wasi_is_adapted_to_the_second() {
    let component = componentize(module(FD_WRITE, HANDLER)).expect("a component");
    let imports = imports(&component);
    assert!(
        imports
            .iter()
            .any(|it| it.starts_with("wasi:io/streams@0.2.")),
        "{imports:?}"
    );
    fit(&component).expect("a plugin");
}

#[test]
fn a_module_that_was_cut_off_is_told_as_that() {
    let whole = module(FD_WRITE, HANDLER);
    for end in [whole.len() - 1, whole.len() / 2, 9] {
        let error = componentize(whole[..end].to_vec()).expect_err("it is torn");
        assert!(matches!(error, Error::Torn(_)), "{end}: {error}");
        let remedy = "remove the project's `build` and build anew";
        assert!(error.to_string().ends_with(remedy), "{error}");
    }
    let error = componentize(b"text".to_vec()).expect_err("it is no module");
    assert!(matches!(error, Error::Component(_)), "{error}");
}

#[test]
fn a_module_that_imports_what_no_host_has_is_refused_by_that_name() {
    let foreign = r#"(import "env" "getenv_secure" (func))"#;
    let error = componentize(module(foreign, HANDLER)).expect_err("no host has it");
    let said = error.to_string();
    assert!(matches!(error, Error::Module(_)), "{said}");
    assert!(
        said.contains("env") && said.contains("may import the contract"),
        "{said}"
    );
}

#[test]
fn a_module_without_what_its_types_promise_is_refused_by_that_name() {
    let error = componentize(typed(module("", ""))).expect_err("it has no handler");
    let said = error.to_string();
    let export = "`wasmill:plugin/handler@0.1.0` function `handle`";
    assert!(said.contains(export), "{said}");
}

#[test]
fn a_component_that_no_host_would_take_is_refused() {
    let refused = |component: &[u8]| fit(component).expect_err("it is refused");
    let text = |text: &str| wat::parse_str(text).expect("well-formed");
    let error = refused(&text("(component)"));
    assert!(matches!(error, Error::Misfit(Misfit::Uncalled)), "{error}");
    // What is only called beside something else.
    let migrate = r#"(func (export "wasmill:plugin/migration@0.1.0#migrate")
        (param i32) (result i32) unreachable)"#;
    let error = refused(&componentize(module("", migrate)).expect("a component"));
    assert!(matches!(error, Error::Misfit(Misfit::Uncalled)), "{error}");
    let foreign =
        text(r#"(component (import "acme:bank/vault@1.0.0" (instance (export "open" (func)))))"#);
    let error = refused(&foreign);
    assert!(
        matches!(error, Error::Misfit(Misfit::Unlinked { .. })),
        "{error}"
    );
    let later = text(r#"(component (import "wasmill:plugin/queue@0.2.0" (instance)))"#);
    let error = refused(&later);
    assert!(matches!(error, Error::Misfit(_)), "{error}");
    let component = componentize(module("", HANDLER)).expect("a component");
    let error = refused(&manifest().embed(&component));
    assert!(matches!(error, Error::Manifest), "{error}");
}
