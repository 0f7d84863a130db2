//! The helpers of C plugins, which parse what strangers send: compiled and run natively.

use std::path::Path;
use std::process::Command;

#[test]
fn the_helpers_of_c_read_and_write_json_to_the_letter() {
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk/c");
    let folder = tempfile::tempdir().expect("a folder");
    let program = folder.path().join("json");
    let mut compiler = Command::new("cc");
    compiler.current_dir(&sdk).arg("-o").arg(&program);
    compiler.args(["-std=gnu17", "-Wall", "-Wextra", "-Werror", "-I."]);
    compiler.args(["tests/json.c", "json.c", "helpers.c"]);
    for mut command in [compiler, Command::new(program)] {
        let output = command
            .output()
            .expect("a C compiler, as the rest of the build needs one");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command:?}: {said}");
    }
}
