//! Components as their files describe them, held to the contract, and compared.

use wasmill_component::{CONTRACT_VERSION, Capabilities, Description, Error, Manifest, Misfit};
use wasmill_component::{NotComponent, changes, check};

/// A component that only imports.
fn importing(imports: &str) -> Vec<u8> {
    wat::parse_str(format!("(component {imports})")).expect("well-formed")
}

fn describe(component: &[u8]) -> Description {
    Description::of(component).expect("a component")
}

#[test]
fn a_real_plugin_is_described_and_keeps_to_the_contract() {
    let description = describe(&wasmill_test_guests::bytes("counter"));
    assert_eq!(check(&description.interfaces), Ok(()));
    assert_eq!(description.language.as_deref(), Some("Rust"));
    assert_eq!(description.manifest, None);
    let handler =
        &description.interfaces.exports[&format!("wasmill:plugin/handler@{CONTRACT_VERSION}")];
    assert_eq!(
        handler.functions["handle"],
        "func(message: message) -> result<_, failure>"
    );
    let types =
        &description.interfaces.imports[&format!("wasmill:plugin/types@{CONTRACT_VERSION}")];
    assert_eq!(
        types.types["failure"],
        "variant { retry(string), retry-after(retry-later), reject(string) }"
    );
}

#[test]
fn what_does_not_fit_the_contract_is_named_with_its_interface_and_function() {
    let misfit =
        |imports: &str| check(&describe(&importing(imports)).interfaces).expect_err("a misfit");
    let queue = "wasmill:plugin/queue@0.1.0".to_owned();
    let later = r#"(import "wasmill:plugin/queue@0.2.0" (instance))"#;
    let Misfit::Version { interface } = misfit(later) else {
        panic!("another version was taken");
    };
    assert_eq!(interface, "wasmill:plugin/queue@0.2.0");
    let unknown = r#"(import "wasmill:plugin/teleport@0.1.0" (instance))"#;
    assert!(
        matches!(misfit(unknown), Misfit::Interface { interface } if interface.contains("teleport"))
    );
    let item =
        misfit(r#"(import "wasmill:plugin/queue@0.1.0" (instance (export "send-all" (func))))"#);
    let send_all = "send-all".to_owned();
    assert_eq!(
        item,
        Misfit::Item {
            interface: queue.clone(),
            item: send_all
        }
    );
    let other = r#"(import "wasmill:plugin/queue@0.1.0"
        (instance (export "recall" (func (param "id" u64) (result bool)))))"#;
    let wrong = Misfit::Type {
        interface: queue,
        item: "recall".to_owned(),
        used: "func(id: u64) -> bool".to_owned(),
        contract: "func(id: string) -> result<bool, error>".to_owned(),
    };
    assert_eq!(misfit(other), wrong);
}

#[test]
fn interfaces_that_are_not_the_contracts_are_described_and_not_judged() {
    let description = describe(&importing(
        r#"(import "wasi:clocks/wall-clock@0.2.6" (instance (export "now" (func (result u64)))))"#,
    ));
    assert_eq!(check(&description.interfaces), Ok(()));
    let clock = &description.interfaces.imports["wasi:clocks/wall-clock@0.2.6"];
    assert_eq!(clock.functions["now"], "func() -> u64");
}

#[test]
fn what_is_no_plugin_is_refused_for_what_it_is() {
    let error = |bytes: &[u8]| Description::of(bytes).expect_err("no component");
    assert_eq!(error(b"\0asm\x01\0\0\0"), Error::Kind(NotComponent::Module));
    // A module section with what is no module.
    let invalid = error(b"\0asm\x0d\0\x01\0\x01\x02\xff\xff");
    assert!(matches!(invalid, Error::Interfaces(_)), "{invalid}");
}

fn manifest(version: &str, capabilities: Capabilities) -> Manifest {
    Manifest {
        name: "loyalty".to_owned(),
        version: version.to_owned(),
        language: Some("c".to_owned()),
        description: None,
        capabilities,
        routes: None,
        state_version: 1,
    }
}

#[test]
fn two_versions_differ_by_what_they_say_ask_for_and_import() {
    let clock = |result: &str| {
        importing(&format!(
            r#"(import "wasi:clocks/wall-clock@0.2.6"
                (instance (export "now" (func (result {result})))))"#
        ))
    };
    let before = manifest("1.0.0", Capabilities::default()).embed(&clock("u64"));
    let asked = Capabilities {
        http: ["api.example.com".to_owned()].into(),
        files: true,
        ..Capabilities::default()
    };
    let after = manifest("1.1.0", asked).embed(&clock("u32"));
    let (before, after) = (describe(&before), describe(&after));
    let told = |before: &Description, after: &Description| {
        let all = changes(before, after);
        all.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(told(&before, &before), Vec::<String>::new());
    let told_of = |before: &Description, after: &Description| {
        let mut told = told(before, after);
        let hashes = format!("~ hash: {} -> {}", before.hash, after.hash);
        assert_eq!(told.remove(1), hashes);
        told
    };
    assert_eq!(
        told_of(&before, &after),
        [
            "~ version: 1.0.0 -> 1.1.0",
            "+ capabilities.http: api.example.com",
            "+ capabilities.files: a directory of its own",
            "~ wasi:clocks/wall-clock@0.2.6 now: func() -> u64 -> func() -> u32",
        ]
    );
    assert_eq!(
        told_of(&after, &before)[1],
        "- capabilities.http: api.example.com"
    );
}
