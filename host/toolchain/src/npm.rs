//! Programs that come as npm packages, in the project's `node_modules/`.

use std::fs;
use std::process::Command;

use crate::tools::{self, Tool, Tools};
use crate::{Error, Project, file};

/// What the project asks for.
const PACKAGES: &str = "package.json";
/// A copy of it, once all of that is installed.
const INSTALLED: &str = "node_modules/.installed-package.json";

/// What packages are installed with, and scripts run.
pub(crate) const NPM: Tool = Tool {
    programs: &["npm"],
    install: "install Node.js 20 or later, with npm",
};

/// A script of the project, once its packages are installed, or brought up to date.
pub(crate) fn script(project: &Project, tools: &Tools, name: &str) -> Result<Command, Error> {
    let npm = tools.find(&NPM)?;
    let command = |args: &[&str]| {
        let mut command = tools.command(&npm);
        command.current_dir(&project.root).args(args);
        command
    };
    let packages = file::read(&project.root.join(PACKAGES))?;
    let installed = project.root.join(INSTALLED);
    if !fs::read(&installed).is_ok_and(|found| found == packages) {
        tools::run(&mut command(&["install", "--no-audit", "--no-fund"]))?;
        file::write_whole(&installed, &packages)?;
    }
    Ok(command(&["run", "--silent", name]))
}
