//! Python: componentize-py makes a component of a plugin with the interpreter in it. It comes into
//! an environment of the project's own.

use std::path::PathBuf;

use super::{Language, compile_to, sources};
use crate::venv;
use crate::{Error, Project, Tools};

/// Python.
pub(super) static LANGUAGE: Language = Language {
    name: "python",
    flag: "python",
    title: "Python",
    check: venv::check,
    example: sources!(
        "examples/loyalty/python": "README.md", "plugin.py", "plugin.toml", "requirements.txt",
        "test_plugin.py",
    ),
    sdk: sources!(
        "sdk/python/wasmill": "__init__.py", "app.py", "asking.py", "build.py", "component.py", "config.py",
        "dedup.py", "errors.py", "host.py", "log.py", "py.typed", "queue.py", "received.py",
        "roles/__init__.py", "roles/checker.py", "roles/failing.py", "roles/gate.py",
        "roles/handler.py", "roles/migration.py", "roles/query.py", "sending.py", "state.py",
        "testing/__init__.py", "testing/bounds.py", "testing/call.py", "testing/contract.py",
        "testing/scope.py", "timer.py", "transaction.py", "values.py", "world.py",
    ),
    routes: "",
    ignored: &["/.venv/", "__pycache__/"],
    compile,
};

fn compile(project: &Project, tools: &Tools) -> Result<PathBuf, Error> {
    let output = project.build_dir()?.join("plugin.wasm");
    let python = venv::programs(project, tools)?.join("python");
    let mut command = tools.command(python);
    command
        .current_dir(&project.root)
        .args(["-m", "wasmill.build"]);
    compile_to(output, &mut command, "see what it says above")
}
