//! Ids that follow from what they name, so that a repeated request makes the same one.

use sha2::{Digest, Sha256};

/// An id of 32 hexadecimal digits that depends on `kind` and all of `parts`, and on nothing else.
#[must_use]
pub fn derive_id(kind: &str, parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    hash.update(kind);
    for part in parts {
        // The length first: ("ab", "c") and ("a", "bc") are different.
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    hex::encode(&hash.finalize()[..16])
}

#[cfg(test)]
mod tests {
    use super::derive_id;

    #[test]
    fn an_id_depends_on_kind_parts_and_their_borders() {
        let id = derive_id("order", &["u1", "key"]);
        assert_eq!(id, derive_id("order", &["u1", "key"]));
        assert_eq!(id.len(), 32);
        assert_ne!(id, derive_id("payment", &["u1", "key"]));
        assert_ne!(id, derive_id("order", &["u1k", "ey"]));
    }
}
