//! Whose signatures of plugins the operator trusts.

use std::collections::{BTreeMap, BTreeSet};

use crate::Name;

/// The keys that plugins are signed with, and which plugins must be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signatures {
    /// Ed25519 public keys, by the names that the operator gives their owners.
    pub keys: BTreeMap<Name, [u8; 32]>,
    /// Which plugins serve only if one of these keys signed them.
    pub required: SignaturesRequired,
}

/// Which plugins must be signed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SignaturesRequired {
    /// None: a signature only tells who signed.
    #[default]
    OfNone,
    /// Every plugin.
    OfAll,
    /// These.
    Of(BTreeSet<Name>),
}

impl Signatures {
    /// Whether `plugin` must be signed.
    #[must_use]
    pub fn are_required_of(&self, plugin: &str) -> bool {
        match &self.required {
            SignaturesRequired::OfNone => false,
            SignaturesRequired::OfAll => true,
            SignaturesRequired::Of(plugins) => plugins.contains(plugin),
        }
    }
}
