//! Rust: cargo, for a target that is itself a component.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use super::{Language, sources};
use crate::tools::{self, Error as ToolError, Tool, Tools};
use crate::{Error, Project};

/// Rust.
pub(super) static LANGUAGE: Language = Language {
    name: "rust",
    flag: "rust",
    title: "Rust",
    check,
    example: sources!(
        "examples/loyalty/rust": "Cargo.toml", "README.md", "plugin.toml", "src/lib.rs",
        "src/tests.rs",
    ),
    sdk: sources!(
        "sdk/rust": "Cargo.toml", "src/bindings.rs", "src/bindings/checker.in",
        "src/bindings/gate.in", "src/bindings/handler.in", "src/bindings/imports.in",
        "src/bindings/migration.in", "src/bindings/query.in", "src/bindings/random.in", "src/export.rs", "src/failure.rs",
        "src/files.rs", "src/gate.rs", "src/host.rs", "src/http.rs", "src/ids.rs", "src/json.rs",
        "src/json/objects.rs", "src/lib.rs", "src/limits.rs", "src/message.rs", "src/query.rs",
        "src/sandbox.rs", "src/sandbox/files.rs", "src/sandbox/http.rs", "src/testing.rs",
        "src/testing/bounds.rs", "src/testing/call.rs", "src/testing/contract.rs",
        "src/testing/halves.rs", "src/testing/outside.rs", "src/testing/roles.rs",
        "src/testing/scope.rs", "src/testing/sent.rs", "src/testing/tests.rs",
    ),
    routes: "",
    ignored: &["/target/"],
    compile,
};

const CARGO: Tool = Tool {
    programs: &["cargo"],
    install: "install Rust 1.95 or later, as by rustup",
};
const RUSTC: Tool = Tool {
    programs: &["rustc"],
    install: CARGO.install,
};

/// What plugins are compiled for.
const TARGET: &str = "wasm32-wasip2";

/// What cargo tells of something that it made, on a line of its own.
#[derive(Deserialize)]
struct Made {
    manifest_path: Option<PathBuf>,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

fn compile(project: &Project, tools: &Tools) -> Result<PathBuf, Error> {
    have_target(project, tools)?;
    let mut cargo = tools.command(tools.find(&CARGO)?);
    cargo.current_dir(&project.root);
    cargo.args(["build", "--release", "--target", TARGET]);
    cargo.arg("--message-format=json-render-diagnostics");
    let told = tools::output(&mut cargo)?;
    let manifest = project.root.join("Cargo.toml");
    component_of(&told, &manifest).ok_or_else(|| Error::NoOutput {
        command: tools::shown(&cargo),
        file: PathBuf::from("component"),
        remedy: "`[lib]` of Cargo.toml needs `crate-type = [\"cdylib\"]`",
    })
}

/// The component that cargo made of the package with this manifest. Where that is, is for cargo's
/// configuration to say, and how it is called, for the manifest.
fn component_of(told: &str, manifest: &Path) -> Option<PathBuf> {
    let made = told
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    let own = made.filter(|made: &Made| made.manifest_path.as_deref() == Some(manifest));
    let files = own.flat_map(|made| made.filenames);
    let mut components = files.filter(|file| file.extension().is_some_and(|it| it == "wasm"));
    components.next()
}

fn check(tools: &Tools) -> Result<(), ToolError> {
    tools.find(&CARGO)?;
    let rustc = tools.find(&RUSTC)?;
    match has_target(tools.command(rustc)) {
        true => Ok(()),
        false => rustup(tools).map(drop),
    }
}

/// Installs the target if the toolchain lacks it, and can.
fn have_target(project: &Project, tools: &Tools) -> Result<(), Error> {
    let mut rustc = tools.command(tools.find(&RUSTC)?);
    rustc.current_dir(&project.root);
    if has_target(rustc) {
        return Ok(());
    }
    let mut rustup = tools.command(rustup(tools)?);
    rustup.current_dir(&project.root);
    Ok(tools::run(rustup.args(["target", "add", TARGET]))?)
}

fn has_target(mut rustc: Command) -> bool {
    let told = tools::answer(rustc.args(["--print", "target-libdir", "--target", TARGET]));
    told.is_some_and(|folder| Path::new(folder.trim()).is_dir())
}

/// What adds the target to a toolchain that lacks it.
fn rustup(tools: &Tools) -> Result<PathBuf, ToolError> {
    let found = tools.find_program("rustup");
    found.ok_or_else(|| ToolError::Unsuitable {
        program: "rustc".to_owned(),
        why: format!("cannot compile for {TARGET}"),
        remedy: "add that target by the means that Rust was installed with, or install Rust by \
                 rustup",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::fake;

    #[test]
    fn rust_is_ready_with_the_target_or_with_what_adds_it() {
        let folder = tempfile::tempdir().unwrap();
        let bin = folder.path();
        let tools = Tools::on(bin);
        let why = || check(&tools).unwrap_err().to_string();
        assert!(why().starts_with("`cargo` is not installed: "), "{}", why());
        fake(bin, "cargo", "exit 0");
        assert!(why().starts_with("`rustc` is not installed: "), "{}", why());
        fake(bin, "rustc", "echo /nonexistent");
        assert!(
            why().contains("cannot compile for wasm32-wasip2: add that target"),
            "{}",
            why()
        );
        // A target that this compiler has never heard of.
        fake(bin, "rustc", "exit 1");
        assert!(why().contains("cannot compile for"), "{}", why());
        fake(bin, "rustc", "echo /");
        check(&tools).unwrap();
        fake(bin, "rustc", "exit 1");
        fake(bin, "rustup", "exit 0");
        check(&tools).unwrap();
    }

    #[test]
    fn the_component_is_the_package_s_own() {
        let told = r#"not json
{"reason":"compiler-artifact","manifest_path":"/p/wasmill/Cargo.toml","filenames":["/t/sdk.rlib"]}
{"reason":"compiler-artifact","manifest_path":"/q/Cargo.toml","filenames":["/t/other.wasm"]}
{"reason":"compiler-artifact","manifest_path":"/p/Cargo.toml","filenames":["/t/libp.rlib","/t/p.wasm"]}
{"reason":"build-finished","success":true}"#;
        let found = component_of(told, Path::new("/p/Cargo.toml"));
        assert_eq!(found, Some(PathBuf::from("/t/p.wasm")));
        assert_eq!(component_of(told, Path::new("/p/wasmill/Cargo.toml")), None);
    }
}
