//! A guest with a directory of its own that tries to get out of it, and reports what came of it, one
//! try a line. What it could read outside, it keeps under `loot`.

use std::fmt::Debug;
use std::fs;

use wasip2::filesystem::preopens::get_directories;
use wasip2::filesystem::types::{Descriptor, DescriptorFlags, OpenFlags, PathFlags};
use wasmill_test_guests::guest::{Failure, Message, retry, state};

wasmill_test_guests::handler!(handle);

/// Paths that would lead out, if anything did.
const OUT: [&str; 11] = [
    "/../outside.txt",
    "../outside.txt",
    "sub/../../outside.txt",
    "/sub/./../../outside.txt",
    "//../outside.txt",
    "....//outside.txt",
    "/proc/self/environ",
    "proc/self/cwd/../outside.txt",
    "/etc/passwd",
    "placed/outside.txt",
    "placed-file",
];

fn handle(_message: &Message) -> Result<(), Failure> {
    let directories = get_directories();
    let (root, _) = directories.first().ok_or_else(|| retry("no directory"))?;
    let mut report = Vec::new();
    let mut loot = Vec::new();
    fs::create_dir_all("/sub").map_err(retry)?;
    fs::write("/own.txt", "own").map_err(retry)?;

    for path in OUT {
        let read = fs::read(path);
        loot.extend(read.iter().flatten().copied());
        report.push(told(&format!("read {path}"), read));
        report.push(told(&format!("write {path}"), fs::write(path, "loot")));
        report.push(told(
            &format!("rename to {path}"),
            fs::rename("/own.txt", path),
        ));
        report.push(told(
            &format!("rename from {path}"),
            fs::rename(path, "/taken.txt"),
        ));
        report.push(told(
            &format!("link {path}"),
            fs::hard_link(path, "/linked.txt"),
        ));
        report.push(told(
            &format!("link to {path}"),
            fs::hard_link("/own.txt", path),
        ));
        report.push(told(&format!("remove {path}"), fs::remove_file(path)));
        report.push(told(
            &format!("list {path}"),
            fs::read_dir(path).map(Iterator::count),
        ));
        report.push(told(&format!("open {path}"), open(root, path)));
    }
    for (nth, target) in ["..", "/etc", "../outside.txt", "/proc/self/root"]
        .iter()
        .enumerate()
    {
        let link = format!("link{nth}");
        let made = root.symlink_at(target, &link);
        let through = format!("/{link}/passwd");
        let read = fs::read(&through).or_else(|_| fs::read(format!("/{link}")));
        loot.extend(read.iter().flatten().copied());
        report.push(told(
            &format!("read through a link to {target} ({made:?})"),
            read,
        ));
        let written = fs::write(format!("/{link}/loot.txt"), "loot");
        report.push(told(&format!("write through a link to {target}"), written));
    }
    state::put("loot", &loot).map_err(retry)?;
    state::put("report", report.join("\n").as_bytes()).map_err(retry)
}

/// Opens with links followed, as the interface allows.
fn open(root: &Descriptor, path: &str) -> Result<(), impl Debug> {
    let opened = root.open_at(
        PathFlags::SYMLINK_FOLLOW,
        path,
        OpenFlags::empty(),
        DescriptorFlags::READ,
    );
    opened.map(drop)
}

fn told<T>(what: &str, came: Result<T, impl Debug>) -> String {
    match came {
        Ok(_) => format!("{what}: done"),
        Err(_) => format!("{what}: denied"),
    }
}
