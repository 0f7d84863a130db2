//! Who signed a version, and whether that is enough for it to serve.

use wasmill_component::{PublicKey, Signature};
use wasmill_model::Name;
use wasmill_model::routes::Signatures;

use super::record::Kept;

/// Most signatures that are kept of a version beside the one that was good.
const OTHERS_MAX: usize = 4;

impl Kept {
    /// Keeps the content of a signature's file, whoever made it: its key may come into force later.
    ///
    /// # Errors
    /// Why it is of no use now.
    pub(crate) fn take_signature(
        &mut self,
        file: &[u8],
        trusted: &Signatures,
    ) -> Result<(), String> {
        let signature = Signature::parse(file).map_err(|error| error.to_string())?;
        let text = signature.to_string();
        let is_good = self.signer(&signature, trusted).is_some();
        // What came before stays in any case: the new one may be the next version's.
        if self.signature.as_ref() != Some(&text) {
            self.other_signatures.retain(|other| *other != text);
            let other = match is_good {
                true => self.signature.replace(text),
                false => Some(text),
            };
            self.other_signatures.extend(other);
            let spare = self.other_signatures.len().saturating_sub(OTHERS_MAX);
            self.other_signatures.drain(..spare);
        }
        match is_good {
            true => Ok(()),
            false => Err(
                "it is of another file, or of a key that `[signatures.keys]` does not name"
                    .to_owned(),
            ),
        }
    }

    /// The name of the key in force that signed this version.
    pub(crate) fn signed_by(&self, trusted: &Signatures) -> Option<Name> {
        let mut all = self.signature.iter().chain(&self.other_signatures);
        all.find_map(|text| self.signer(&Signature::parse(text.as_bytes()).ok()?, trusted))
    }

    /// The name of the key in force that made a signature of this version.
    fn signer(&self, signature: &Signature, trusted: &Signatures) -> Option<Name> {
        let signed = |key: &[u8; 32]| {
            let key = PublicKey::new(key);
            key.is_ok_and(|key| key.has_signed(&self.hash, signature))
        };
        let mut keys = trusted.keys.iter();
        keys.find(|(_, key)| signed(key))
            .map(|(name, _)| name.clone())
    }

    /// Whether this version of `plugin` is signed, or need not be.
    ///
    /// # Errors
    /// Why not, and the remedy.
    pub(crate) fn check_signature(&self, plugin: &str, trusted: &Signatures) -> Result<(), String> {
        if !trusted.are_required_of(plugin) || self.signed_by(trusted).is_some() {
            return Ok(());
        }
        Err(format!(
            "it must be signed, and no key in force has signed it: name its signer's key in \
             `[signatures.keys]`, or drop its file with a {plugin}.wasm.sig beside it, made with \
             `wasmill plugin sign`"
        ))
    }
}
