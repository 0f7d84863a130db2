//! Programs that come as Python packages, in an environment of the project's own.

use std::fs;
use std::path::PathBuf;

use crate::tools::{self, Error as ToolError, Tool, Tools};
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

/// Whether environments can be made here: systems leave the module for it out of their Python.
pub(crate) fn check(tools: &Tools) -> Result<(), ToolError> {
    let python = tools.find(&PYTHON)?;
    match tools::succeeds(tools.command(python).args(["-c", "import venv, ensurepip"])) {
        true => Ok(()),
        false => Err(ToolError::Unsuitable {
            program: "python3".to_owned(),
            why: "has no venv module, or cannot be run".to_owned(),
            remedy: PYTHON.install,
        }),
    }
}

/// The programs of the project's environment, which is made, or brought up to date, before.
pub(crate) fn programs(project: &Project, tools: &Tools) -> Result<PathBuf, Error> {
    let venv = project.root.join(".venv");
    let programs = venv.join("bin");
    let requirements = file::read(&project.root.join(REQUIREMENTS))?;
    let installed = project.root.join(INSTALLED);
    // What it was made with may have gone since.
    let runs = tools::succeeds(tools.command(programs.join("python")).args(["-c", ""]));
    if runs && fs::read(&installed).is_ok_and(|found| found == requirements) {
        return Ok(programs);
    }
    if !runs {
        check(tools)?;
        file::remove_all(&venv)?;
    }
    let python = tools.find(&PYTHON)?;
    tools::run(tools.command(python).args(["-m", "venv"]).arg(&venv))?;
    let mut pip = tools.command(programs.join("python"));
    pip.args(["-m", "pip", "install", "--disable-pip-version-check", "-r"]);
    tools::run(pip.arg(REQUIREMENTS).current_dir(&project.root))?;
    file::write_whole(&installed, &requirements)?;
    Ok(programs)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::process::Command;

    use super::*;
    use crate::create;
    use crate::languages::named;

    /// A Python that makes environments of itself.
    const PYTHON3: &str = "\
case \"$1 $2\" in
  '-m venv') /bin/mkdir -p \"$3/bin\" && /bin/cp \"$0\" \"$3/bin/python\" ;;
esac";

    #[test]
    fn an_environment_whose_python_is_gone_is_made_anew() {
        let bin = tempfile::tempdir().unwrap();
        tools::fake(bin.path(), "python3", PYTHON3);
        let tools = Tools::on(bin.path());
        let folder = tempfile::tempdir().unwrap();
        let root = create(folder.path(), "points", named("python").unwrap()).unwrap();
        let project = Project::read(&root).unwrap();
        let program = root.join(".venv/bin/python");
        let runs = || tools::succeeds(&mut Command::new(&program));
        programs(&project, &tools).unwrap();
        assert!(runs());

        fs::remove_file(&program).unwrap();
        symlink("/nonexistent/python3", &program).unwrap();
        assert!(!runs());
        programs(&project, &tools).unwrap();
        assert!(runs(), "its link led nowhere");

        fs::remove_dir_all(root.join(".venv")).unwrap();
        symlink("/nonexistent/venv", root.join(".venv")).unwrap();
        programs(&project, &tools).unwrap();
        assert!(runs(), "it was a link that led nowhere");

        // One that is whole is left as it is.
        fs::write(root.join(".venv/mine"), "").unwrap();
        programs(&project, &tools).unwrap();
        assert!(root.join(".venv/mine").exists());
    }

    #[test]
    fn a_python_without_venv_is_told_with_the_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let tools = Tools::on(folder.path());
        let absent = check(&tools).unwrap_err().to_string();
        assert!(
            absent.starts_with("`python3` is not installed: "),
            "{absent}"
        );
        tools::fake(folder.path(), "python3", "exit 1");
        let without = check(&tools).unwrap_err().to_string();
        assert!(
            without.starts_with("`python3` has no venv module"),
            "{without}"
        );
        assert!(without.ends_with(PYTHON.install), "{without}");
    }
}
