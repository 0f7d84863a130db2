//! Go: its own compiler makes a core module for WASI's first version.

use std::path::PathBuf;

use super::{Language, compile_to, sources};
use crate::{Error, Project, Tool, Tools};

/// Go.
pub(super) static LANGUAGE: Language = Language {
    name: "go",
    flag: "go",
    title: "Go",
    check: |tools| tools.find(&GO).map(drop),
    example: sources!(
        "examples/loyalty/go": "README.md", "account.go", "account_test.go", "go.mod", "main.go",
        "main_test.go", "plugin.toml",
    ),
    sdk: sources!(
        "sdk/go":
        "checker/checker.go",
        "checker/component_wasip1.go",
        "component_wasip1.go",
        "config.go",
        "context.go",
        "convert_wasip1.go",
        "dedup.go",
        "delivery.go",
        "errors.go",
        "failure.go",
        "forms.go",
        "gate/component_wasip1.go",
        "gate/gate.go",
        "go.mod",
        "host_wasip1.go",
        "internal/bindings/export_wasmill_plugin_checker/checker.go",
        "internal/bindings/export_wasmill_plugin_gate/gate.go",
        "internal/bindings/export_wasmill_plugin_handler/handler.go",
        "internal/bindings/export_wasmill_plugin_migration/migration.go",
        "internal/bindings/export_wasmill_plugin_query/query.go",
        "internal/bindings/wasmill_plugin_checker/empty.s",
        "internal/bindings/wasmill_plugin_checker/wit_bindings.go",
        "internal/bindings/wasmill_plugin_config/empty.s",
        "internal/bindings/wasmill_plugin_config/wit_bindings.go",
        "internal/bindings/wasmill_plugin_dedup/empty.s",
        "internal/bindings/wasmill_plugin_dedup/wit_bindings.go",
        "internal/bindings/wasmill_plugin_gate/empty.s",
        "internal/bindings/wasmill_plugin_gate/wit_bindings.go",
        "internal/bindings/wasmill_plugin_handler/empty.s",
        "internal/bindings/wasmill_plugin_handler/wit_bindings.go",
        "internal/bindings/wasmill_plugin_log/empty.s",
        "internal/bindings/wasmill_plugin_log/wit_bindings.go",
        "internal/bindings/wasmill_plugin_migration/empty.s",
        "internal/bindings/wasmill_plugin_migration/wit_bindings.go",
        "internal/bindings/wasmill_plugin_query/empty.s",
        "internal/bindings/wasmill_plugin_query/wit_bindings.go",
        "internal/bindings/wasmill_plugin_queue/empty.s",
        "internal/bindings/wasmill_plugin_queue/wit_bindings.go",
        "internal/bindings/wasmill_plugin_state/empty.s",
        "internal/bindings/wasmill_plugin_state/wit_bindings.go",
        "internal/bindings/wasmill_plugin_timer/empty.s",
        "internal/bindings/wasmill_plugin_timer/wit_bindings.go",
        "internal/bindings/wasmill_plugin_transaction/empty.s",
        "internal/bindings/wasmill_plugin_transaction/wit_bindings.go",
        "internal/bindings/wasmill_plugin_types/empty.s",
        "internal/bindings/wasmill_plugin_types/wit_bindings.go",
        "internal/bindings/wit_checker/wit_exports.go",
        "internal/bindings/wit_gate/wit_exports.go",
        "internal/bindings/wit_handler/wit_exports.go",
        "internal/bindings/wit_migration/wit_exports.go",
        "internal/bindings/wit_query/wit_exports.go",
        "internal/convert/convert.go",
        "internal/outer/outer_wasip1.go",
        "internal/text/text.go",
        "internal/wit/LICENSE",
        "internal/wit/runtime/empty.s",
        "internal/wit/runtime/realloc_wasip1.go",
        "internal/wit/runtime/runtime.go",
        "internal/wit/runtime/runtime_other.go",
        "internal/wit/types/option.go",
        "internal/wit/types/result.go",
        "internal/wit/types/tuple.go",
        "internal/wit/types/unit.go",
        "log.go",
        "migration/component_wasip1.go",
        "migration/migration.go",
        "query/component_wasip1.go",
        "query/query.go",
        "queue.go",
        "request.go",
        "state.go",
        "timer.go",
        "transaction.go",
        "wasmill.go",
        "wasmilltest/bounds.go",
        "wasmilltest/call.go",
        "wasmilltest/calls.go",
        "wasmilltest/halves.go",
        "wasmilltest/host.go",
        "wasmilltest/imports.go",
    ),
    routes: "",
    ignored: &[],
    compile,
};

const GO: Tool = Tool {
    programs: &["go"],
    install: "install Go 1.25 or later, from your system or https://go.dev",
};

/// A module that is started once and then called, the same whoever builds it, and where.
const ARGUMENTS: [&str; 6] = [
    "build",
    "-buildmode=c-shared",
    "-trimpath",
    "-buildvcs=false",
    "-o",
    "build/module.wasm",
];

fn compile(project: &Project, tools: &Tools) -> Result<PathBuf, Error> {
    let build = project.build_dir()?;
    let go = tools.find(&GO)?;
    let mut compiler = tools.command(go);
    compiler
        .current_dir(&project.root)
        .env("GOOS", "wasip1")
        .env("GOARCH", "wasm")
        .args(ARGUMENTS)
        .arg(".");
    compile_to(
        build.join("module.wasm"),
        &mut compiler,
        "the project's directory must hold a package `main` that registers its handler in `init`",
    )
}
