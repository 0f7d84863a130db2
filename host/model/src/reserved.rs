//! Names of the host's own: entries in a key's state, and owners of state.
//!
//! Timers, recallable messages, half messages and dedup claims are entries of the key's state under
//! names that begin with a NUL, which no plugin can write. They are so committed, cached,
//! checkpointed and recovered by the same code as the plugin's entries.

use crate::effects::Delayed;
use crate::{MessageId, Name};

/// What an entry of the host's own is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry<'a> {
    /// A timer of this name.
    Timer(&'a str),
    /// This delayed message, which can be recalled.
    Recallable(MessageId),
    /// A claim of this id.
    Claim(&'a str),
    /// A half message of this name.
    Half(&'a str),
}

/// What the entry `name` is of; none if it is a plugin's.
#[must_use]
pub fn entry(name: &str) -> Option<Entry<'_>> {
    let name = name.strip_prefix('\0')?;
    let (kind, rest) = name.split_at_checked(1)?;
    match kind {
        "t" => Some(Entry::Timer(rest)),
        "r" => Some(Entry::Recallable(rest.parse().ok()?)),
        "d" => Some(Entry::Claim(rest)),
        "h" => Some(Entry::Half(rest)),
        _ => None,
    }
}

/// Behind a plugin's name: what it keeps on this host only. No plugin can be called so.
const ON_HOST: &str = "@host";

/// Who owns the state of a plugin's handlers: the plugin, or for those of a broadcast the plugin on
/// this host. Such state is never any other host's, and must not be mistaken for what is.
#[must_use]
pub fn owner(plugin: &Name, on_host: bool) -> Name {
    match on_host {
        true => format!("{plugin}{ON_HOST}").into(),
        false => plugin.clone(),
    }
}

/// The plugin behind an owner of state.
#[must_use]
pub fn plugin_of(owner: &str) -> &str {
    owner.strip_suffix(ON_HOST).unwrap_or(owner)
}

/// Whether an owner's state is on this host only.
#[must_use]
pub fn is_on_host(owner: &str) -> bool {
    owner.ends_with(ON_HOST)
}

/// Sorts after every name of the host's own and before every name of a plugin's.
pub const LAST: &str = "\0\u{10FFFF}";

/// The entry of a timer.
#[must_use]
pub fn timer(name: &str) -> Name {
    format!("\0t{name}").into()
}

/// The entry of a delayed message that can be recalled.
#[must_use]
pub fn recallable(id: MessageId) -> Name {
    format!("\0r{id}").into()
}

/// The entry of a dedup claim.
#[must_use]
pub fn claim(id: &str) -> Name {
    format!("\0d{id}").into()
}

/// The entry of a half message.
#[must_use]
pub fn half(name: &str) -> Name {
    format!("\0h{name}").into()
}

/// The entry that stands for a delayed message of a scope.
#[must_use]
pub fn delayed(delayed: &Delayed) -> Name {
    match &delayed.message.timer {
        Some(name) => timer(name),
        None => recallable(delayed.message.id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_entry_is_of_reads_back() {
        let id = MessageId(7);
        assert_eq!(entry(&timer("due")), Some(Entry::Timer("due")));
        assert_eq!(entry(&recallable(id)), Some(Entry::Recallable(id)));
        assert_eq!(entry(&claim("")), Some(Entry::Claim("")));
        assert_eq!(entry("due"), None);
    }
}
