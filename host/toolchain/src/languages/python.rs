//! Python: componentize-py makes a component of a plugin with the interpreter in it. It comes into
//! an environment of the project's own.

use std::path::PathBuf;

use super::{Language, compile_to, sources};
use crate::venv::{self, PYTHON};
use crate::{Error, Project, Tools};

/// Python.
pub(super) static LANGUAGE: Language = Language {
    name: "python",
    flag: "python",
    title: "Python",
    tools: &[PYTHON],
    example: sources!(
        "examples/loyalty/python": "plugin.py", "plugin.toml", "requirements.txt",
        "test_plugin.py",
    ),
    sdk: sources!(
        "sdk/python/wasmill": "__init__.py", "app.py", "build.py", "component.py", "config.py", "dedup.py",
        "errors.py", "host.py", "log.py", "py.typed", "queue.py", "received.py",
        "roles/__init__.py", "roles/checker.py", "roles/gate.py", "roles/handler.py",
        "roles/query.py", "sending.py", "state.py", "testing.py", "timer.py", "transaction.py",
        "values.py",
    ),
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
