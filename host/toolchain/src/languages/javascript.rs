//! JavaScript: esbuild bundles a plugin and its packages, and componentize-js makes a component of
//! that with the engine in it. Both are npm packages of the project.

use std::path::PathBuf;

use super::{Language, Source, compile_to, sources};
use crate::npm::{self, NPM};
use crate::{Error, Project, Tool, Tools};

/// JavaScript.
pub(super) static LANGUAGE: Language = Language {
    name: "javascript",
    flag: "js",
    title: "JavaScript",
    tools: TOOLS,
    example: sources!(
        "examples/loyalty/js": "package.json", "plugin.js", "plugin.test.js", "plugin.toml",
    ),
    sdk: SDK,
    ignored: IGNORED,
    compile,
};

pub(super) const TOOLS: &[Tool] = &[NPM];
pub(super) const SDK: &[Source] = sources!(
    "sdk/js": "body.js", "build.mjs", "component.js", "errors.js", "imports.js", "index.d.ts",
    "index.js", "package.json", "roles.js", "testing.d.ts", "testing.js", "values.js",
);
pub(super) const IGNORED: &[&str] = &["/node_modules/"];

/// Runs the script `build` of the project's package.json.
pub(super) fn compile(project: &Project, tools: &Tools) -> Result<PathBuf, Error> {
    let output = project.build_dir()?.join("plugin.wasm");
    let remedy = "its script `build` must run wasmill/build.mjs";
    compile_to(output, &mut npm::script(project, tools, "build")?, remedy)
}
