//! Why a guest's call ended without an answer, in words for its author.

use std::fmt::Write;
use std::time::Duration;

use wasmill_model::routes::CallLimits;
use wasmtime::{Trap, WasmBacktrace};

use crate::data::Data;

/// Frames of a backtrace that are shown.
const FRAMES_MAX: usize = 16;

/// A call that ended in a trap or past a limit. Its instance is thrown away.
#[derive(Debug)]
pub(crate) struct Fault(pub(crate) String);

impl Fault {
    /// The call did not end within its deadline.
    pub(crate) fn late(deadline: Duration) -> Self {
        Self(format!("the call ran past its `deadline` of {deadline:?}"))
    }

    /// The guest trapped, or could not start.
    pub(crate) fn trapped(error: &wasmtime::Error, data: &mut Data, limits: &CallLimits) -> Self {
        let mut cause = reason(error, data, limits);
        let said = data.stderr.take();
        if !said.is_empty() {
            let _ = write!(cause, "; it wrote: {said}");
        }
        if let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() {
            write_frames(&mut cause, backtrace);
        }
        Self(data.log.masked(&cause).into_owned())
    }
}

fn reason(error: &wasmtime::Error, data: &mut Data, limits: &CallLimits) -> String {
    let limiter = &mut data.limiter;
    if let Some(wanted) = limiter.take_refused() {
        let max = limiter.bytes_max();
        return format!(
            "out of memory: the instance needs at least {wanted} bytes and `memory_bytes_max` is \
             {max}"
        );
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => {
            format!(
                "out of fuel: the call burnt all of its `fuel_max` of {}",
                limits.fuel_max
            )
        }
        Some(Trap::StackOverflow) => "stack overflow: the guest recursed too deeply".to_owned(),
        Some(trap) => format!("the guest trapped: {trap}"),
        None => {
            let mut chain: Vec<String> = error.chain().map(ToString::to_string).collect();
            // The backtrace is a part of the chain, and is written in our own way.
            chain.retain(|part| !part.starts_with("error while executing at wasm backtrace"));
            chain.join(": ")
        }
    }
}

/// The innermost frames of the plugin's own code, one a line: function, and file and line as far
/// as the component has kept them.
fn write_frames(cause: &mut String, backtrace: &WasmBacktrace) {
    let frames = frames(&backtrace.to_string());
    let own: Vec<&String> = frames.iter().filter(|frame| !is_runtime(frame)).collect();
    let shown = if own.is_empty() {
        frames.iter().collect()
    } else {
        own
    };
    for frame in shown.into_iter().take(FRAMES_MAX) {
        let _ = write!(cause, "\n  at {frame}");
    }
}

/// Reads wasmtime's text, which is the only way to its demangler.
fn frames(text: &str) -> Vec<String> {
    let mut frames: Vec<String> = Vec::new();
    // The first line is a title.
    for line in text.lines().skip(1).map(str::trim_start) {
        match (line.strip_prefix("at "), frames.last_mut()) {
            (Some(place), Some(frame)) => {
                let _ = write!(frame, " ({place})");
            }
            _ => frames.push(without_hashes(
                line.split_once("- ").map_or(line, |(_, it)| it),
            )),
        }
    }
    frames
}

/// Drops the hashes of crates, which Rust's names are full of: `std[0123456789abcdef]::`.
fn without_hashes(name: &str) -> String {
    let mut short = String::with_capacity(name.len());
    let mut rest = name;
    while let Some((before, after)) = rest.split_once('[') {
        short.push_str(before);
        rest = match after.split_once(']') {
            Some((hash, after)) if is_hash(hash) => after,
            _ => {
                short.push('[');
                after
            }
        };
    }
    short + rest
}

fn is_hash(text: &str) -> bool {
    (8..=16).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether a frame belongs to a language's runtime, as all the innermost ones of a panic do.
fn is_runtime(frame: &str) -> bool {
    let (name, place) = frame.split_once(" (").unwrap_or((frame, ""));
    let name = name
        .rsplit('!')
        .next()
        .unwrap_or(name)
        .trim_start_matches('<');
    let libraries = [
        "std::",
        "core::",
        "alloc::",
        "__rustc",
        "__rust_",
        "rust_panic",
        "abort",
    ];
    place.starts_with("/rustc/")
        || place.starts_with("wasisdk://")
        || libraries.iter().any(|library| name.starts_with(library))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backtrace_is_read_without_what_is_not_the_plugins() {
        let text = "error while executing at wasm backtrace:
    0:   0x1a - abort
                    at wasisdk://v30/abort.c:5:3
    1:   0x2b - std[d123b7a1a2ed1472]::process::abort
                    at /rustc/59807616/library/std/src/process.rs:2533:5
    2:   0x3c - order[0123456789abcdef]::price::<[u8]>
                    at src/lib.rs:7:9
              - order[0123456789abcdef]::handle
                    at src/lib.rs:3:1
    3:   0x4d - order.wasm!wasmill:plugin/handler@0.1.0#handle";
        let own: Vec<String> = frames(text)
            .into_iter()
            .filter(|it| !is_runtime(it))
            .collect();
        let expected = [
            "order::price::<[u8]> (src/lib.rs:7:9)",
            "order::handle (src/lib.rs:3:1)",
            "order.wasm!wasmill:plugin/handler@0.1.0#handle",
        ];
        assert_eq!(own, expected);
    }
}
