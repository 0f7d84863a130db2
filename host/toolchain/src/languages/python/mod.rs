//! Python: componentize-py makes a component of a plugin with the interpreter in it. It comes into
//! an environment of the project's own.

mod lists;

use std::path::{Path, PathBuf};

use super::{Language, compile_to, sources};
use crate::{ComponentizeError, Error, Project, Tools};
use crate::{file, tools, venv};

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

/// A program that tells the compiler's version.
const COMPILER_VERSION: &str =
    "from importlib.metadata import version; print(version('componentize-py'))";

fn compile(project: &Project, tools: &Tools) -> Result<PathBuf, Error> {
    let output = project.build_dir()?.join("plugin.wasm");
    let python = venv::programs(project, tools)?.join("python");
    let mut command = tools.command(&python);
    command
        .current_dir(&project.root)
        .args(["-m", "wasmill.build"]);
    let output = compile_to(output, &mut command, "see what it says above")?;
    command = tools.command(&python);
    let version = tools::answer(command.args(["-c", COMPILER_VERSION]));
    if version.is_some_and(|version| version.trim() == lists::VERSION) {
        free_lists(&output)?;
    }
    Ok(output)
}

/// Has a component free the lists of bytes that its compiler's runtime leaves behind.
fn free_lists(component: &Path) -> Result<(), Error> {
    let freed = lists::freed(&file::read(component)?).map_err(ComponentizeError::Module)?;
    Ok(file::write_whole(component, &freed)?)
}
