//! JavaScript: esbuild bundles a plugin and its packages, and componentize-js makes a component of
//! that with the engine in it. Both are npm packages of the project.

use std::path::PathBuf;

use super::{Language, Sources, compile_to, sources};
use crate::npm::{self, NPM};
use crate::{Error, Project, ToolError, Tools};

/// JavaScript.
pub(super) static LANGUAGE: Language = Language {
    name: "javascript",
    flag: "js",
    title: "JavaScript",
    check,
    example: sources!(
        "examples/loyalty/js": "README.md", "package.json", "plugin.js", "plugin.test.js", "plugin.toml",
    ),
    sdk: SDK,
    routes: ROUTES,
    ignored: IGNORED,
    compile,
};

pub(super) const SDK: Sources = sources!(
    "sdk/js/wasmill": "body.js", "build.mjs", "component.js", "errors.js", "imports.js", "index.d.ts",
    "index.js", "package.json", "roles.js", "testing.d.ts", "testing.js", "testing/bounds.js",
    "testing/call.js", "testing/contract.js", "testing/scope.js", "values.js", "world.js",
);
/// The engine takes bodies of some MiB apart in many times their size.
pub(super) const ROUTES: &str = "
# JavaScript needs many times the size of a large body: with the 64 MiB that plugins have otherwise,
# one of some MiB may not be handled.
[plugins.loyalty.limits]
memory_bytes_max = \"256MiB\"
";
pub(super) const IGNORED: &[&str] = &["/node_modules/"];

pub(super) fn check(tools: &Tools) -> Result<(), ToolError> {
    tools.find(&NPM).map(drop)
}

/// Runs the script `build` of the project's package.json.
pub(super) fn compile(project: &Project, tools: &Tools) -> Result<PathBuf, Error> {
    let output = project.build_dir()?.join("plugin.wasm");
    let remedy = "its script `build` must run wasmill/build.mjs";
    compile_to(output, &mut npm::script(project, tools, "build")?, remedy)
}
