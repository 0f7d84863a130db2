//! A text that is handed to one plugin, and told to nobody else.

use std::fmt;
use std::sync::Arc;

/// Fewest bytes of a secret. A shorter one could not be masked in texts without tearing them
/// apart, nor would it be much of a secret.
pub const BYTES_MIN: usize = 8;
/// Most bytes of a secret.
pub const BYTES_MAX: usize = 64 << 10;

/// A secret. It cannot be displayed or serialized, and its `Debug` does not tell it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Keeps `text` as a secret.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The text itself, for whom it is meant.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_tell_itself() {
        let secret = Secret::new("sk_live_51H");
        assert_eq!(format!("{secret:?} {secret:#?}"), "Secret(..) Secret(..)");
        assert_eq!(secret.expose(), "sk_live_51H");
    }
}
