//! Programs that come as Python packages, in an environment of the project's own.

use std::fs;
use std::path::PathBuf;

use crate::tools::{self, Tool, Tools};
use crate::{Error, Project, file};

/// What the project asks for.
const REQUIREMENTS: &str = "requirements.txt";
/// A copy of it, once all of that is installed.
const INSTALLED: &str = ".venv/installed-requirements.txt";

/// What environments are made with.
pub(crate) const PYTHON: Tool = Tool {
    programs: &["python3"],
    install: "install Python 3.10 or later with its venv module",
};

/// The programs of the project's environment, which is made, or brought up to date, before.
pub(crate) fn programs(project: &Project, tools: &Tools) -> Result<PathBuf, Error> {
    let venv = project.root.join(".venv");
    let programs = venv.join("bin");
    let requirements = file::read(&project.root.join(REQUIREMENTS))?;
    let installed = project.root.join(INSTALLED);
    if fs::read(&installed).is_ok_and(|found| found == requirements) {
        return Ok(programs);
    }
    let python = tools.find(&PYTHON)?;
    tools::run(tools.command(python).args(["-m", "venv"]).arg(&venv))?;
    let mut pip = tools.command(programs.join("python"));
    pip.args(["-m", "pip", "install", "--disable-pip-version-check", "-r"]);
    tools::run(pip.arg(REQUIREMENTS).current_dir(&project.root))?;
    file::write_whole(&installed, &requirements)?;
    Ok(programs)
}
