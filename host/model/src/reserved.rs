//! Names of the host's own: entries in a key's state, and owners of state.
//!
//! Timers, recallable messages, half messages and dedup claims are entries of the key's state under
//! names that begin with a NUL, which no plugin can write. They are so committed, cached,
//! checkpointed and recovered by the same code as the plugin's entries.

use bytes::Bytes;

use crate::effects::Delayed;
use crate::{MessageId, Millis, Name};

/// What an entry of the host's own is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry<'a> {
    /// A timer of this name.
    Timer(&'a str),
    /// This delayed message, which can be recalled.
    Recallable(MessageId),
    /// A claim of this id.
    Claim(&'a str),
    /// A message of this id, which this subscription handled: see
    /// [`crate::routes::DedupPolicy`].
    Handled {
        /// The subscription.
        subscription: &'a str,
        /// The id.
        id: &'a str,
    },
    /// A half message of this name.
    Half(&'a str),
    /// The version of the schema of the key's state.
    Schema,
}

/// What the entry `name` is of; none if it is a plugin's.
#[must_use]
pub fn entry(name: &str) -> Option<Entry<'_>> {
    let name = name.strip_prefix('\0')?;
    let (kind, rest) = name.split_at_checked(1)?;
    match kind {
        "t" => Some(Entry::Timer(rest)),
        "r" => Some(Entry::Recallable(rest.parse().ok()?)),
        "d" => Some(match rest.strip_prefix('\0') {
            None => Entry::Claim(rest),
            Some(handled) => {
                let (subscription, id) = handled.split_once('\0')?;
                Entry::Handled { subscription, id }
            }
        }),
        "h" => Some(Entry::Half(rest)),
        "v" => Some(Entry::Schema),
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

/// The entry with the version of the schema of the key's state, as four bytes, the highest first.
pub const SCHEMA: &str = "\0v";

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

/// The entry of a message that a subscription handled, by its id: a claim that no plugin can make,
/// as the ids of plugins have no NUL.
#[must_use]
pub fn handled(subscription: &str, id: &str) -> Name {
    format!("\0d\0{subscription}\0{id}").into()
}

/// Whether the entry `name` is a claim, by whomever: its value is [`claim_until`].
#[must_use]
pub fn is_claim(name: &str) -> bool {
    name.starts_with("\0d")
}

/// The value of a claim's entry: until when it is in force.
#[must_use]
pub fn claim_until(expires: Millis) -> Bytes {
    Bytes::copy_from_slice(&expires.0.to_be_bytes())
}

/// Until when a claim is in force, by the value of its entry; none if that is damaged.
#[must_use]
pub fn claim_expires(value: &[u8]) -> Option<Millis> {
    Some(Millis(u64::from_be_bytes(value.try_into().ok()?)))
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
        assert_eq!(entry(SCHEMA), Some(Entry::Schema));
        assert_eq!(entry("due"), None);
        let (subscription, id) = ("s", "a\0b");
        let name = handled(subscription, id);
        assert_eq!(entry(&name), Some(Entry::Handled { subscription, id }));
        assert!(is_claim(&name) && is_claim(&claim("x")) && !is_claim(&half("x")));
    }

    #[test]
    fn the_end_of_a_claim_reads_back() {
        let value = claim_until(Millis(7));
        assert_eq!(claim_expires(&value), Some(Millis(7)));
        assert_eq!(claim_expires(&value[1..]), None);
    }
}
