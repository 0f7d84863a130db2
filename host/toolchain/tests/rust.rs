//! The example in Rust, outside of this workspace as its author has it: its tests pass, and it
//! becomes a plugin.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use wasmill_component::Description;
use wasmill_toolchain::{LANGUAGES, Tools, build, create};

/// Cargo in a project, without the network, compiling where that was done before.
fn cargo(project: &Path, target: &Path, args: &[&str]) {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(project).args(args).arg("--offline");
    cargo.env("CARGO_TARGET_DIR", target);
    assert!(cargo.status().expect("cargo starts").success(), "{args:?}");
}

#[test]
fn the_example_passes_its_own_tests_and_becomes_a_plugin() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = tempfile::tempdir().expect("a folder");
    let rust = LANGUAGES.iter().find(|it| it.flag == "rust").expect("Rust");
    let project = create(folder.path(), "tiers", rust).expect("a project");
    // The versions that are there already.
    let lock = fs::copy(workspace.join("Cargo.lock"), project.join("Cargo.lock"));
    lock.expect("a lock file");
    fs::create_dir(project.join(".cargo")).expect("a folder");
    let target = workspace.join("target/examples");
    fs::create_dir_all(&target).expect("a folder");
    let target: PathBuf = target.canonicalize().expect("it is there");
    let config = format!("[net]\noffline = true\n[build]\ntarget-dir = {target:?}\n");
    fs::write(project.join(".cargo/config.toml"), config).expect("written");

    cargo(&project, &target, &["test"]);
    cargo(
        &project,
        &target,
        &["test", "--package", "wasmill-sdk", "--all-features"],
    );
    // By whatever way its directory is named.
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&project, &link).expect("a link");
    build(&link, None, &Tools::installed()).expect("a plugin");
    let around = project.join("../tiers");
    let built = build(&around, None, &Tools::installed()).expect("a plugin");
    let plugin = fs::read(&built.path).expect("written");
    let description = Description::of(&plugin).expect("a component");
    let exports: Vec<_> = description.interfaces.exports.into_keys().collect();
    assert_eq!(exports, ["wasmill:plugin/handler@0.1.0"]);
    assert_eq!(description.manifest, Some(built.manifest));
    println!("{} bytes", built.bytes);
}

#[test]
fn the_sdk_is_of_this_host_s_version() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk/rust/Cargo.toml");
    let text = fs::read_to_string(path).expect("a manifest");
    let manifest: toml::Table = text.parse().expect("TOML");
    let package = &manifest["package"];
    let versions = [&package["version"], &package["rust-version"]].map(toml::Value::as_str);
    let own = [env!("CARGO_PKG_VERSION"), env!("CARGO_PKG_RUST_VERSION")].map(Some);
    assert_eq!(versions, own, "which it cannot inherit from the workspace");
}
