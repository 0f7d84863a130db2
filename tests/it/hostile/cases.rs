//! The table: what each of the corpus does, and what operators read of it.

use super::{corpus, made};

/// A hostile plugin.
pub(super) struct Case {
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
    pub(super) expect: Expect,
    /// What the message to it says.
    pub(super) body: String,
    /// Further settings of it in the routes.
    settings: String,
}

/// What becomes of it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Expect {
    /// It is not taken into service, for a reason with these words.
    Refused(&'static str),
    /// Its message fails, with one of these words in the cause: which of two limits it meets first is
    /// the machine's speed.
    Fails(&'static [&'static str]),
    /// Its message is handled: there is nothing in it that could do harm.
    Handled,
}
use Expect::{Fails, Handled, Refused};

impl Expect {
    /// Whether it gets as far as to be called.
    pub(super) fn runs(&self) -> bool {
        !matches!(self, Refused(_))
    }
}

/// Those of texts in `tests/guests/hostile`.
const TEXTS: &[(&str, Expect)] = &[
    // Starts.
    ("start_loop", Refused("does not start: out of fuel")),
    (
        "start_trap",
        Refused("does not start: the guest trapped: wasm trap: wasm `unreachable`"),
    ),
    ("start_recursion", Refused("does not start: stack overflow")),
    ("start_memory", Refused("does not start: out of memory")),
    ("start_import", Refused("does not start: the guest trapped")),
    (
        "start_exit",
        Refused("does not start: Exited with i32 exit status 0"),
    ),
    // What it is, imports and exports.
    ("core_module", Refused("core module, not a component")),
    (
        "no_exports",
        Refused("it exports nothing that a host calls"),
    ),
    ("wrong_type", Refused("its `handler` is not the contract's")),
    ("unknown_import", Refused("acme:bank/vault@1.0.0")),
    (
        "later_contract",
        Refused("it uses `wasmill:plugin/queue@9.0.0`"),
    ),
    (
        "missing_function",
        Refused("it uses `drop-everything` of `wasmill:plugin/state@0.1.0`"),
    ),
    (
        "import_itself",
        Refused("a reexport of an imported function"),
    ),
    ("nested_instances", Refused("4096 core module instances")),
    ("huge_table", Refused("exceeds the limit of 65536")),
    ("huge_memory", Refused("does not start: out of memory")),
    ("data_outside", Refused("out of bounds memory access")),
    // Handlers that do not end, or take too much.
    (
        "loop",
        Fails(&["all of its `fuel_max`", "past its `deadline`"]),
    ),
    (
        "bulk",
        Fails(&["all of its `fuel_max`", "past its `deadline`"]),
    ),
    ("recursion", Fails(&["stack overflow"])),
    ("mutual_recursion", Fails(&["stack overflow"])),
    ("memory_growth", Fails(&["`memory_bytes_max` is 33554432"])),
    ("table_growth", Fails(&["wasm `unreachable`"])),
    ("exit", Fails(&["Exited with i32 exit status 1"])),
    ("divide", Fails(&["integer divide by zero"])),
    ("bad_call", Fails(&["uninitialized element"])),
    // Arguments of the host's functions.
    ("bad_utf8", Fails(&["invalid utf-8"])),
    ("bad_pointer", Fails(&["out of bounds of memory"])),
    ("wrapping_pointer", Fails(&["out of bounds of memory"])),
    ("huge_list", Fails(&["out of bounds of memory"])),
    (
        "overlapping_list",
        Fails(&["too much data is being copied"]),
    ),
    ("bad_answer_place", Fails(&["pointer out of bounds"])),
    ("odd_answer_place", Fails(&["pointer not aligned"])),
    ("bad_enum", Fails(&["discriminant"])),
    ("bad_variant", Fails(&["discriminant"])),
    // Its answers.
    (
        "result_outside",
        Fails(&["pointer out of bounds of memory"]),
    ),
    ("result_odd", Fails(&["return pointer not aligned"])),
    ("result_variant", Fails(&["discriminant"])),
    ("result_utf8", Fails(&["invalid utf-8"])),
    ("result_huge", Fails(&["hhhhhhhh"])),
    ("result_endless", Fails(&["out of bounds of memory"])),
    // What the host calls besides the handler.
    ("realloc_trap", Fails(&["wasm `unreachable`"])),
    (
        "realloc_loop",
        Fails(&["all of its `fuel_max`", "past its `deadline`"]),
    ),
    (
        "realloc_outside",
        Fails(&["realloc return: beyond end of memory"]),
    ),
    (
        "realloc_odd",
        Fails(&["realloc return: result not aligned"]),
    ),
    (
        "realloc_import",
        Fails(&["cannot leave component instance"]),
    ),
    ("realloc_overlap", Handled),
    ("post_return_trap", Fails(&["wasm `unreachable`"])),
    (
        "post_return_loop",
        Fails(&["all of its `fuel_max`", "past its `deadline`"]),
    ),
    (
        "post_return_import",
        Fails(&["cannot leave component instance"]),
    ),
    // Floods, and what is not its own.
    (
        "send_flood",
        Fails(&[
            "more than 100000 calls of host functions",
            "past its `deadline`",
            "all of its `fuel_max`",
        ]),
    ),
    (
        "timer_flood",
        Fails(&[
            "more than 100000 calls of host functions",
            "past its `deadline`",
            "all of its `fuel_max`",
        ]),
    ),
    (
        "state_flood",
        Fails(&[
            "more than 100000 calls of host functions",
            "past its `deadline`",
            "all of its `fuel_max`",
        ]),
    ),
    (
        "log_flood",
        Fails(&[
            "more than 100000 calls of host functions",
            "past its `deadline`",
            "all of its `fuel_max`",
        ]),
    ),
    ("random_flood", Fails(&["exceeds limit 1048576"])),
    ("log_forgery", Fails(&["wasm `unreachable`"])),
    ("half_trap", Fails(&["wasm `unreachable`"])),
    ("write_then_trap", Fails(&["wasm `unreachable`"])),
    ("reserved_name", Fails(&["wasm `unreachable`"])),
];

/// All cases; `redirects` is where a server sends everybody on.
pub(super) fn all(redirects: &str) -> Vec<Case> {
    let texts = TEXTS
        .iter()
        .map(|(name, expect)| Case::new(name, corpus::assembled(name), *expect));
    let mut cases: Vec<_> = texts.chain(made::made()).chain(guests(redirects)).collect();
    for case in &mut cases {
        if case.name == "sleeper" {
            case.settings = "[plugins.NAME.limits]\ndeadline = \"300ms\"\n".into();
        }
    }
    cases
}

/// Those that are compiled, from `tests/guests/examples`.
fn guests(redirects: &str) -> Vec<Case> {
    // A form of 127.0.0.1 that only resolvers know: to the allowlist it is a name.
    let rebound = redirects.replace("127.0.0.1", "127.1");
    vec![
        guest(
            "endless_loop",
            "x",
            "",
            Fails(&["past its `deadline`", "all of its `fuel_max`"]),
        ),
        guest(
            "memory_hog",
            "x",
            "",
            Fails(&["`memory_bytes_max` is 33554432"]),
        ),
        guest("trap", "x", "", Fails(&["wasm `unreachable`"])),
        guest("flood", "heed", "", Fails(&["sends per call"])),
        guest(
            "huge_body",
            "x",
            "",
            Fails(&["`memory_bytes_max` is 33554432"]),
        ),
        guest("sleeper", "x", "", Fails(&["past its `deadline` of 300ms"])),
        guest("chatter", "x", "", Handled),
        // Messages of WASI's proposal that take more of the host than of the guest.
        Case {
            name: "metadata_litter".into(),
            ..guest("portable", "litter", "", Fails(&["metadata, more than"]))
        },
        guest("intruder", redirects, "", Handled),
        guest("burglar", "x", "files = true", Handled),
        // HTTP: to a host that was not granted, by a redirect, by a name for this machine.
        guest("fetch", "127.0.0.1:1", "", Fails(&["HttpRequestDenied"])),
        Case {
            name: "fetch_redirected".into(),
            ..guest(
                "fetch",
                redirects,
                &format!("http = [{redirects:?}]"),
                Handled,
            )
        },
        Case {
            name: "fetch_rebound".into(),
            ..guest(
                "fetch",
                &rebound,
                &format!("http = [{rebound:?}]"),
                Fails(&["DestinationIpProhibited"]),
            )
        },
    ]
}

fn guest(name: &str, body: &str, grants: &str, expect: Expect) -> Case {
    Case {
        body: body.to_owned(),
        settings: format!("[plugins.NAME.grants]\n{grants}\n"),
        ..Case::new(name, wasmill_test_guests::bytes(name), expect)
    }
}

impl Case {
    pub(super) fn new(name: &str, bytes: Vec<u8>, expect: Expect) -> Self {
        Self {
            name: name.to_owned(),
            bytes,
            expect,
            body: "x".to_owned(),
            settings: String::new(),
        }
    }

    /// Its part of the routes: no retries, so that a failure is told at once.
    pub(super) fn routes(&self) -> String {
        let name = &self.name;
        let mut settings = self.settings.replace("NAME", name);
        if !settings.contains("limits]") {
            settings += &format!(
                "[plugins.{name}.limits]\ndeadline = \"20s\"\nfuel_max = 50_000_000\n\
                 memory_bytes_max = \"32MiB\"\n"
            );
        }
        format!(
            "{settings}[subscriptions.{name}]\ntopic = \"hostile.{name}\"\nplugin = \"{name}\"\n\
             retry = []\n"
        )
    }

    /// Whether it was refused, or failed, as it should.
    pub(super) fn judge(&self, refusal: Option<&str>, cause: Option<&str>) -> Result<(), String> {
        let wrong = Err(format!(
            "expected {:?}, and it was refused: {refusal:?}, failed: {cause:?}",
            self.expect
        ));
        let good = match (self.expect, refusal, cause) {
            (Refused(words), Some(refusal), None) => refusal.contains(words),
            (Fails(words), None, Some(cause)) => words.iter().any(|words| cause.contains(words)),
            (Handled, None, None) => true,
            _ => false,
        };
        if good { Ok(()) } else { wrong }
    }
}
