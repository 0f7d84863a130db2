//! C: clang with a WASI sysroot where there is one, and else zig, which has both in one package.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use super::{Language, compile_to, sources};
use crate::tools::{self, Error as ToolError, Tool, Tools};
use crate::{Error, Project, file, venv};

/// C.
pub(super) static LANGUAGE: Language = Language {
    name: "c",
    flag: "c",
    title: "C",
    tools: &[Tool {
        programs: &["clang", "zig", "python3"],
        install: "install clang with lld and the WASI sysroot, or zig, or else Python 3 with venv, \
                  by which zig is installed",
    }],
    example: sources!(
        "examples/loyalty/c": "README.md", "loyalty.c", "plugin.toml", "requirements.txt",
    ),
    sdk: sources!(
        "sdk/c": "helpers.c", "helpers.h", "json.c", "json.h", "wasmill.c", "wasmill.h",
        "wasmill_component_type.o",
    ),
    ignored: &["/.venv/"],
    compile,
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

fn compile(project: &Project, tools: &Tools) -> Result<PathBuf, Error> {
    let build = project.build_dir()?;
    let mut compiler = compiler(project, tools, &build)?;
    compiler.args(FLAGS).args(["-o", "build/module.wasm"]);
    // The project's own first, so that errors in it are seen first.
    compiler.args(sources_in(&project.root)?);
    let sdk = [
        "helpers.c",
        "json.c",
        "wasmill.c",
        "wasmill_component_type.o",
    ];
    compiler.args(sdk.map(|name| Path::new("wasmill").join(name)));
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

/// The compiler, as a command in the project's directory.
fn compiler(project: &Project, tools: &Tools, build: &Path) -> Result<Command, Error> {
    let in_project = |program: &OsStr, args: &[&str]| {
        let mut command = tools.command(program);
        command.current_dir(&project.root).args(args);
        command
    };
    if let Ok(chosen) = env::var("CC")
        && let Some((program, args)) = words(&chosen)
    {
        let clang = || in_project(program.as_ref(), &[&args[..], &[STACK_FIRST]].concat());
        return match links(clang(), build)? {
            true => Ok(clang()),
            false => Err(unsuitable(chosen).into()),
        };
    }
    if let Some(program) = tools.find_program("clang") {
        let clang = || in_project(program.as_os_str(), &[STACK_FIRST]);
        if links(clang(), build)? {
            return Ok(clang());
        }
    }
    if let Some(zig) = tools.find_program("zig") {
        return Ok(in_project(zig.as_os_str(), &["cc"]));
    }
    tools.find(&LANGUAGE.tools[0])?;
    let python = venv::programs(project, tools)?.join("python");
    Ok(in_project(python.as_os_str(), &["-m", "ziglang", "cc"]))
}

/// Whether a compiler links a trial for WASI.
fn links(mut compiler: Command, build: &Path) -> Result<bool, Error> {
    let trial = build.join("trial.c");
    file::write_changed(&trial, TRIAL.as_bytes())?;
    compiler.args(FLAGS).args(["-o", "build/trial.wasm"]);
    Ok(tools::succeeds(compiler.arg("build/trial.c")))
}

/// A command that may go through another one, such as `ccache clang`.
fn words(command: &str) -> Option<(&str, Vec<&str>)> {
    let mut words = command.split_whitespace();
    Some((words.next()?, words.collect()))
}

fn unsuitable(chosen: String) -> ToolError {
    ToolError::Unsuitable {
        program: chosen,
        why: "of `CC` does not link for wasm32-wasi".to_owned(),
        remedy: "name a clang with lld and the WASI sysroot there, or unset `CC`",
    }
}
