//! Why a guest's call ended without an answer, in words for its author.

use std::fmt::Write;
use std::time::Duration;

use wasmill_model::routes::CallLimits;
use wasmtime::{Trap, WasmBacktrace};

use crate::data::Data;

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
        let said = data.stderr.tail();
        if !said.is_empty() {
            let _ = write!(cause, "; it wrote: {said}");
        }
        if let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() {
            write_frames(&mut cause, backtrace);
        }
        Self(cause)
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
            format!("out of fuel: the call burnt all of its `fuel_max` of {}", limits.fuel_max)
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

/// One line a frame: function, and file and line as far as the component has kept them.
fn write_frames(cause: &mut String, backtrace: &WasmBacktrace) {
    // wasmtime's own text is the only way to its demangler; its first line is a title.
    let text = backtrace.to_string();
    for line in text.lines().skip(1) {
        let line = line.trim_start();
        match line.strip_prefix("at ") {
            Some(place) => {
                let _ = write!(cause, " ({place})");
            }
            None => {
                let name = line.split_once(" - ").map_or(line, |(_, name)| name);
                let _ = write!(cause, "\n  at {name}");
            }
        }
    }
}
