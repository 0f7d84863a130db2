//! Files that are no plugin for this host are refused, each with what does not fit.

use wasmill_model::routes::PluginSettings;
use wasmill_port::Plugins;

use crate::support::{Bench, effects, written};

/// A component with these imports, around a core module with these fields. Its handler has a
/// type that is not the contract's, which shows only once it has started.
pub(crate) fn component(imports: &str, fields: &str) -> Vec<u8> {
    let text = format!(
        r#"(component
            {imports}
            (core module $m {fields} (func (export "handle")))
            (core instance $i (instantiate $m))
            (func $handle (canon lift (core func $i "handle")))
            (instance $handler (export "handle" (func $handle)))
            (export "wasmill:plugin/handler@0.1.0" (instance $handler)))"#
    );
    wat::parse_str(text).expect("the text assembles")
}

#[tokio::test]
async fn what_is_no_component_is_refused_by_what_it_is() {
    let bench = Bench::new(PluginSettings::default());
    let whole = wasmill_test_guests::bytes("counter");
    let core = wat::parse_str("(module)").unwrap();
    let garbage = [b"\0asm\x0d\0\x01\0".as_slice(), &[0xff; 100]].concat();
    let cases: [(&[u8], &str); 8] = [
        (b"", "is empty"),
        (b"not wasm", "no WebAssembly"),
        (b"(component)", "WebAssembly text"),
        (&core, "core module, not a component"),
        (&garbage, "no valid component"),
        (b"\0asm\x0d\0\x01\0\x0c\x03abc", "no valid component"),
        (&whole[..whole.len() / 2], "ends in the middle"),
        (&whole[..6], "ends in the middle, after 6 bytes"),
    ];
    for (bytes, words) in cases {
        let refusal = bench.refusal(bytes).await;
        assert!(refusal.contains(words), "no {words:?} in: {refusal}");
        assert!(
            refusal.starts_with("plugin `plugin` was refused: it "),
            "{refusal}"
        );
    }
    assert!(bench.registry.serving().is_empty());
}

#[tokio::test]
async fn an_import_that_is_not_linked_is_named() {
    let bench = Bench::new(PluginSettings::default());
    let unknown = r#"(import "acme:bank/vault@1.0.0" (instance (export "open" (func))))"#;
    let refusal = bench.refusal(&component(unknown, "")).await;
    assert!(refusal.contains("acme:bank/vault@1.0.0"), "{refusal}");
    assert!(
        refusal.contains("this host links"),
        "the remedy is named: {refusal}"
    );

    let missing = r#"(import "wasmill:plugin/config@0.1.0" (instance (export "erase" (func))))"#;
    let refusal = bench.refusal(&component(missing, "")).await;
    assert!(
        refusal.contains("it uses `erase` of `wasmill:plugin/config@0.1.0`"),
        "{refusal}"
    );
}

#[tokio::test]
async fn another_version_of_the_contract_is_named_with_this_one() {
    let bench = Bench::new(PluginSettings::default());
    let future = r#"(import "wasmill:plugin/queue@0.2.0" (instance (export "send" (func))))"#;
    let refusal = bench.refusal(&component(future, "")).await;
    assert!(refusal.contains("wasmill:plugin/queue@0.2.0"), "{refusal}");
    assert!(
        refusal.contains("this host speaks version 0.1.0"),
        "{refusal}"
    );
}

/// Else what it exports for another host would silently never be called.
#[tokio::test]
async fn one_interface_of_another_version_beside_good_ones_is_refused() {
    let bench = Bench::new(PluginSettings::default());
    for version in ["0.2.0", "0.1.1"] {
        let later = format!(
            r#"(instance $nothing) (export "wasmill:plugin/gate@{version}" (instance $nothing))"#
        );
        let refusal = bench.refusal(&component(&later, "")).await;
        let named = format!("it uses `wasmill:plugin/gate@{version}`");
        assert!(refusal.contains(&named), "{refusal}");
    }
}

#[tokio::test]
async fn a_component_without_a_plugins_exports_is_refused() {
    let bench = Bench::new(PluginSettings::default());
    let nothing = wat::parse_str("(component)").unwrap();
    let refusal = bench.refusal(&nothing).await;
    assert!(
        refusal.contains("`handler`, `gate` and `query`"),
        "{refusal}"
    );
}

#[tokio::test]
async fn a_handler_of_another_type_is_refused() {
    let bench = Bench::new(PluginSettings::default());
    let refusal = bench.refusal(&component("", "")).await;
    assert!(
        refusal.contains("its `handler` is not the contract's"),
        "{refusal}"
    );
}

#[tokio::test]
async fn a_component_that_traps_at_its_start_is_refused_with_the_trap() {
    let bench = Bench::new(PluginSettings::default());
    let fields = "(func $grumble unreachable) (func $wake call $grumble) (start $wake)";
    let refusal = bench.refusal(&component("", fields)).await;
    for part in [
        "does not start: the guest trapped",
        "unreachable",
        "grumble",
        "wake",
    ] {
        assert!(refusal.contains(part), "no {part:?} in: {refusal}");
    }
}

#[tokio::test]
async fn a_component_whose_start_never_ends_is_refused() {
    let bench = Bench::new(PluginSettings::default());
    let refusal = bench
        .refusal(&component("", "(func $f (loop (br 0))) (start $f)"))
        .await;
    assert!(refusal.contains("does not start: out of fuel"), "{refusal}");
}

#[tokio::test]
async fn a_name_that_could_leave_the_directory_is_refused() {
    let bench = Bench::new(PluginSettings::default());
    for name in ["", "../evil", ".hidden", "a/b"] {
        let refused = bench.install(name, "counter").await.unwrap_err();
        assert!(refused.reason.contains("a plugin's name has"), "{refused}");
    }
}

#[tokio::test]
async fn a_bad_file_leaves_the_version_that_serves_in_place() {
    let bench = Bench::with("counter", PluginSettings::default()).await;
    bench.refusal(b"garbage").await;
    assert_eq!(written(&effects(bench.handle("a").await), "seen"), "1");
}
