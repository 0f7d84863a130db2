//! Who signed a version, and whether that is enough for it to serve.

use wasmill_component::{PublicKey, Signature};
use wasmill_model::Name;
use wasmill_model::routes::Signatures;

use super::record::Kept;

impl Kept {
    /// Takes the content of a signature's file if a key in force signed this version.
    ///
    /// # Errors
    /// Why it is of no use.
    pub(crate) fn take_signature(
        &mut self,
        file: &[u8],
        trusted: &Signatures,
    ) -> Result<(), String> {
        let signature = Signature::parse(file).map_err(|error| error.to_string())?;
        // What came before stays if this one is of no use: it may be the next version's.
        let before = self.signature.replace(signature.to_string());
        if self.signed_by(trusted).is_some() {
            return Ok(());
        }
        self.signature = before;
        Err("it is of another file, or of a key that `[signatures.keys]` does not name".to_owned())
    }

    /// The name of the key in force that signed this version.
    pub(crate) fn signed_by(&self, trusted: &Signatures) -> Option<Name> {
        let signature = Signature::parse(self.signature.as_ref()?.as_bytes()).ok()?;
        let signed = |key: &[u8; 32]| {
            let key = PublicKey::new(key);
            key.is_ok_and(|key| key.has_signed(&self.hash, &signature))
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
            "it must be signed, and no key in force has signed it: put {plugin}.wasm.sig beside \
             its file, made with `wasmill plugin sign`"
        ))
    }
}
