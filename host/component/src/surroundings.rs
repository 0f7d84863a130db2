//! What a host calls of a plugin, and what it links for one beside the contract. The host's own linker
//! has the last word; a test of it holds this to that.

use semver::Version;

use crate::contract::{CONTRACT, CONTRACT_VERSION, Misfit};

/// The handler of WASI's proposal for messaging, which hosts call in place of the contract's.
pub const MESSAGING: &str = "wasi:messaging/incoming-handler@0.2.0-draft";

/// What hosts link, as the end of a sentence.
pub const LINKED_IN_WORDS: &str = "WASI 0.2, wasi:http's outgoing handler, wasi:config, \
     wasi:logging, wasi:keyvalue and wasi:messaging in their drafts, and wasmill:plugin";

/// Interfaces of the contract of which a plugin exports at least one: the others are called of a plugin
/// that has one of these.
const CALLED: [&str; 3] = ["handler", "gate", "query"];

/// Interfaces of WASI 0.2 that hosts link, at whatever patch version.
pub const LINKED_STABLE: [&str; 29] = [
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:http/outgoing-handler",
    "wasi:http/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
    "wasi:sockets/instance-network",
    "wasi:sockets/ip-name-lookup",
    "wasi:sockets/network",
    "wasi:sockets/tcp",
    "wasi:sockets/tcp-create-socket",
    "wasi:sockets/udp",
    "wasi:sockets/udp-create-socket",
];

/// Interfaces of WASI's proposals that hosts link, at the one version of the draft.
pub const LINKED_DRAFTS: [&str; 8] = [
    "wasi:config/store@0.2.0-rc.1",
    "wasi:keyvalue/atomics@0.2.0-draft",
    "wasi:keyvalue/batch@0.2.0-draft",
    "wasi:keyvalue/store@0.2.0-draft",
    "wasi:logging/logging@0.1.0-draft",
    "wasi:messaging/producer@0.2.0-draft",
    "wasi:messaging/request-reply@0.2.0-draft",
    "wasi:messaging/types@0.2.0-draft",
];

/// Whether there is something among what a component exports that a host calls.
///
/// # Errors
/// [`Misfit::Uncalled`] if not.
pub fn check_called<'a>(exports: impl IntoIterator<Item = &'a str>) -> Result<(), Misfit> {
    let is_called = |name: &str| match name.strip_prefix(CONTRACT) {
        Some(own) => own
            .split_once('@')
            .is_some_and(|(item, version)| CALLED.contains(&item) && version == CONTRACT_VERSION),
        None => name == MESSAGING,
    };
    match exports.into_iter().any(is_called) {
        true => Ok(()),
        false => Err(Misfit::Uncalled),
    }
}

/// Whether hosts link an interface that is none of the contract's.
pub(crate) fn is_linked(import: &str) -> bool {
    if LINKED_DRAFTS.contains(&import) {
        return true;
    }
    let Some((name, version)) = import.split_once('@') else {
        return false;
    };
    let is_0_2 = |it: Version| (it.major, it.minor) == (0, 2) && it.pre.is_empty();
    LINKED_STABLE.contains(&name) && Version::parse(version).is_ok_and(is_0_2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_only_called_beside_something_else_is_not_enough() {
        for (exports, is_called) in [
            (&[][..], false),
            (&["wasmill:plugin/checker@0.1.0"], false),
            (
                &["wasmill:plugin/migration@0.1.0", "wasi:cli/run@0.2.6"],
                false,
            ),
            (&["wasi:messaging/other@0.2.0-draft"], false),
            (
                &["wasmill:plugin/checker@0.1.0", "wasmill:plugin/query@0.1.0"],
                true,
            ),
            (&["wasmill:plugin/gate@0.1.0"], true),
            (&["wasmill:plugin/handler@0.1.0"], true),
            (&[MESSAGING], true),
        ] {
            let found = check_called(exports.iter().copied());
            assert_eq!(found.is_ok(), is_called, "{exports:?}");
        }
    }

    #[test]
    fn any_patch_of_wasi_is_linked_and_one_version_of_a_draft() {
        for (import, linked) in [
            ("wasi:cli/environment@0.2.0", true),
            ("wasi:cli/environment@0.2.99", true),
            ("wasi:cli/environment@0.3.0", false),
            ("wasi:cli/environment@0.2.0-rc", false),
            ("wasi:cli/environment", false),
            ("wasi:cli/run@0.2.0", false),
            ("wasi:keyvalue/store@0.2.0-draft", true),
            ("wasi:keyvalue/store@0.2.0-draft2", false),
            ("wasi:nn/graph@0.2.0", false),
        ] {
            assert_eq!(is_linked(import), linked, "{import}");
        }
    }
}
