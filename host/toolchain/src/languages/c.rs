//! C: clang with a WASI sysroot where there is one, and else zig, which has both in one package.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Language, compile_to, sources};
use crate::tools::{self, Error as ToolError, Tool, Tools};
use crate::{Error, Project, file, venv};

/// C.
pub(super) static LANGUAGE: Language = Language {
    name: "c",
    flag: "c",
    title: "C",
    check,
    example: sources!(
        "examples/loyalty/c": "README.md", "plugin.c", "plugin.toml", "requirements.txt",
    ),
    sdk: sources!(
        "sdk/c": "helpers.c", "helpers.h", "json.c", "json.h", "wasmill.c", "wasmill.h",
    ),
    routes: "",
    ignored: &["/.venv/"],
    compile,
};

/// Whichever of them is there.
const ANY: Tool = Tool {
    programs: &["clang", "zig", "python3"],
    install: "install clang with lld and the WASI sysroot, or zig, or else Python 3 with venv, by \
              which zig is installed",
};

/// A module without `main`, whose stack is large enough for deep calls and no more: zig's own
/// default would cost 16 MiB an instance.
const FLAGS: [&str; 7] = [
    "--target=wasm32-wasi",
    "-mexec-model=reactor",
    "-std=gnu17",
    "-Wall",
    "-Os",
    "-I.",
    "-Wl,-z,stack-size=262144",
];
/// The stack lies where an overflow traps, rather than in front of other data. zig does so anyway,
/// and does not know the word.
const STACK_FIRST: &str = "-Wl,--stack-first";

/// What a compiler must be able to make: something of the C library.
const TRIAL: &str = "#include <stdlib.h>\nvoid *trial(unsigned long n) { return malloc(n); }\n";

/// What a plugin may export, each by the function that it then has, and the word by which the
/// bindings compile what calls it.
const ROLES: [(&str, &str); 5] = [
    ("exports_wasmill_handler_handle", "-DWASMILL_HANDLER"),
    ("exports_wasmill_gate_admit", "-DWASMILL_GATE"),
    ("exports_wasmill_query_answer", "-DWASMILL_QUERY"),
    ("exports_wasmill_checker_check", "-DWASMILL_CHECKER"),
    ("exports_wasmill_migration_migrate", "-DWASMILL_MIGRATION"),
];

fn compile(project: &Project, tools: &Tools) -> Result<PathBuf, Error> {
    let build = project.build_dir()?;
    let sources = sources_in(&project.root)?;
    let mut compiler = Compiler::choose(tools)?.command(project, tools)?;
    compiler.args(FLAGS).args(["-o", "build/module.wasm"]);
    compiler.args(roles_of(project, &sources)?);
    // The project's own first, so that errors in it are seen first.
    compiler.args(sources);
    compiler.args(["helpers.c", "json.c", "wasmill.c"].map(|it| Path::new("wasmill").join(it)));
    compile_to(
        build.join("module.wasm"),
        &mut compiler,
        "see what it says above",
    )
}

/// The C files of a project's directory, in the order of their names.
fn sources_in(root: &Path) -> Result<Vec<OsString>, Error> {
    let unreadable = |cause| file::Error::new(root, "read", cause);
    let mut found = Vec::new();
    for entry in fs::read_dir(root).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name();
        if Path::new(&name).extension() == Some(OsStr::new("c")) {
            found.push(name);
        }
    }
    found.sort();
    Ok(found)
}

/// The words for what the sources export, which is what they name: a function that is named and not
/// there is told by the linker.
fn roles_of(project: &Project, sources: &[OsString]) -> Result<Vec<&'static str>, Error> {
    let mut text = Vec::new();
    for source in sources {
        text.extend(file::read(&project.root.join(source))?);
    }
    let text = String::from_utf8_lossy(&text);
    let named = ROLES.iter().filter(|(function, _)| text.contains(function));
    Ok(named.map(|(_, word)| *word).collect())
}

/// What plugins in C are compiled with.
enum Compiler {
    /// Clang with all that it links against, and its arguments.
    Clang(PathBuf, Vec<String>),
    Zig(PathBuf),
    /// zig as the package of Python that the project's environment has.
    PackagedZig,
}

fn check(tools: &Tools) -> Result<(), ToolError> {
    Compiler::choose(tools).map(drop)
}

impl Compiler {
    fn choose(tools: &Tools) -> Result<Self, ToolError> {
        if let Some(chosen) = tools.cc() {
            let mut words = chosen.split_whitespace().map(str::to_owned);
            let program = words.next().unwrap_or_default().into();
            let clang = Self::Clang(program, words.collect());
            return match clang.links(tools) {
                true => Ok(clang),
                false => Err(ToolError::Unsuitable {
                    program: chosen.to_owned(),
                    why: "of `CC` does not link for wasm32-wasi".to_owned(),
                    remedy: "name a clang with lld and the WASI sysroot there, or unset `CC`",
                }),
            };
        }
        let clang = tools.find_program("clang");
        let clang = clang.map(|program| Self::Clang(program, Vec::new()));
        let is_there = clang.is_some();
        if let Some(clang) = clang.filter(|it| it.links(tools)) {
            return Ok(clang);
        }
        if let Some(zig) = tools.find_program("zig") {
            return Ok(Self::Zig(zig));
        }
        let python = tools.find_program("python3");
        match venv::check(tools) {
            Ok(()) => Ok(Self::PackagedZig),
            Err(_) if is_there => Err(ToolError::Unsuitable {
                program: "clang".to_owned(),
                why: "does not link for wasm32-wasi".to_owned(),
                remedy: "install lld and the WASI sysroot for it, or zig, or Python 3 with venv, \
                         by which zig is installed",
            }),
            Err(without_venv) if python.is_some() => Err(without_venv),
            Err(_) => tools.find(&ANY).map(|_| Self::PackagedZig),
        }
    }

    /// As a command in the project's directory.
    fn command(&self, project: &Project, tools: &Tools) -> Result<Command, Error> {
        let mut command = match self {
            Self::Clang(program, args) => clang(tools, program, args),
            Self::Zig(program) => {
                let mut zig = tools.command(program);
                zig.arg("cc");
                zig
            }
            Self::PackagedZig => {
                let python = venv::programs(project, tools)?.join("python");
                let mut zig = tools.command(python);
                zig.args(["-m", "ziglang", "cc"]);
                zig
            }
        };
        command.current_dir(&project.root);
        Ok(command)
    }

    /// Whether it is a clang that links a trial for WASI.
    fn links(&self, tools: &Tools) -> bool {
        let Self::Clang(program, args) = self else {
            return false;
        };
        let links = || {
            let folder = tempfile::tempdir()?;
            fs::write(folder.path().join("trial.c"), TRIAL)?;
            let mut clang = clang(tools, program, args);
            clang.current_dir(folder.path()).args(FLAGS);
            std::io::Result::Ok(tools::succeeds(clang.args(["-o", "trial.wasm", "trial.c"])))
        };
        links().unwrap_or(false)
    }
}

fn clang(tools: &Tools, program: &Path, args: &[String]) -> Command {
    let mut command = tools.command(program);
    command.args(args).arg(STACK_FIRST);
    command
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::fake;

    #[test]
    fn c_is_ready_with_any_of_its_compilers_and_else_tells_what_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let bin = folder.path();
        let tools = Tools::on(bin);
        let why = || check(&tools).unwrap_err().to_string();
        let nothing = "`clang` or `zig` or `python3` is not installed: install clang with lld";
        assert!(why().starts_with(nothing), "{}", why());
        fake(bin, "python3", "exit 1");
        assert!(
            why().starts_with("`python3` has no venv module"),
            "{}",
            why()
        );
        // Without a sysroot.
        fake(bin, "clang", "exit 1");
        let unsuitable = "`clang` does not link for wasm32-wasi: install lld and the WASI sysroot";
        assert!(why().starts_with(unsuitable), "{}", why());
        for (name, does) in [
            ("python3", "exit 0"),
            ("zig", "exit 0"),
            ("clang", "exit 0"),
        ] {
            fake(bin, name, does);
            check(&tools).unwrap();
        }
    }

    #[test]
    fn a_compiler_of_cc_is_enough_and_one_that_does_not_link_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let bin = folder.path();
        fake(bin, "mine", "[ \"$1\" = --own ]");
        let own = bin.join("mine").display().to_string();
        check(&Tools::on("").with_cc(&format!("{own} --own"))).unwrap();
        let error = check(&Tools::on("").with_cc(&own)).unwrap_err().to_string();
        assert!(
            error.contains("of `CC` does not link for wasm32-wasi: name a clang"),
            "{error}"
        );
    }
}
