//! Ids that follow from what they name, so that a repeated request makes the same one.

use sha2::{Digest, Sha256};

/// An id of 32 hexadecimal digits that depends on `kind` and all of `parts`, and on nothing else.
/// Nobody finds parts that make a given id.
///
/// ```
/// use wasmill_sdk::derive_id;
///
/// let id = derive_id("order", &["ann", "key"]);
/// assert_eq!(id, derive_id("order", &["ann", "key"]));
/// assert_ne!(id, derive_id("payment", &["ann", "key"]));
/// assert_ne!(id, derive_id("order", &["annk", "ey"]));
/// ```
#[must_use]
pub fn derive_id(kind: &str, parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    hash.update(kind);
    for part in parts {
        // The length first: ("ab", "c") and ("a", "bc") are different.
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    crate::hex(hash.finalize().iter().take(16))
}
