//! Signatures of plugins: Ed25519 over a component's content hash, in a file beside it.
//!
//! A custom section of the component could hold one as well, but would change the hash that it
//! signs; a file beside leaves the component what its author built. Keys and signatures are written
//! in hexadecimal, as hashes are.

use std::fmt;

use ed25519_dalek::{Signature as Signed, Signer as _, SigningKey, VerifyingKey};

/// What is signed is this and the component's hash, as it is written: so no signature that was made
/// for anything else is one of a plugin.
const CONTEXT: &[u8] = b"wasmill plugin v1\n";

/// Bytes of a key, secret or public.
pub const KEY_BYTES: usize = 32;

/// A key that signs.
pub struct SecretKey(SigningKey);

/// A key that tells who signed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

/// A signature of a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature(Signed);

/// What was read is no key or signature, and what one looks like.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The form is wrong.
    #[error("it is no {what}: that is {} hexadecimal digits", bytes * 2)]
    Form {
        /// What it should be.
        what: &'static str,
        /// The bytes of one.
        bytes: usize,
    },
    /// No secret key has such a public key.
    #[error("it is no public key: no secret key belongs to it")]
    NoPoint,
}

impl SecretKey {
    /// The key of these bytes, which must come from a source of good randomness.
    #[must_use]
    pub fn new(bytes: &[u8; KEY_BYTES]) -> Self {
        Self(SigningKey::from_bytes(bytes))
    }

    /// Reads a key from the text of its file.
    ///
    /// # Errors
    /// [`SignatureError::Form`] if it is none.
    pub fn parse(text: &[u8]) -> Result<Self, SignatureError> {
        Ok(Self::new(&bytes(text, "secret key")?))
    }

    /// The text of its file.
    #[must_use]
    pub fn text(&self) -> String {
        hex::encode(self.0.as_bytes())
    }

    /// The key that others know it by.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// Signs the component with this content hash, [`crate::Description::hash`].
    #[must_use]
    pub fn sign(&self, hash: &str) -> Signature {
        Signature(self.0.sign(&signed(hash)))
    }
}

impl PublicKey {
    /// The key of these bytes.
    ///
    /// # Errors
    /// [`SignatureError::NoPoint`] if they are none.
    pub fn new(bytes: &[u8; KEY_BYTES]) -> Result<Self, SignatureError> {
        let key = VerifyingKey::from_bytes(bytes).ok();
        let key = key.filter(|key| !key.is_weak());
        key.map(Self).ok_or(SignatureError::NoPoint)
    }

    /// Reads a key from its digits.
    ///
    /// # Errors
    /// [`SignatureError`] if it is none.
    pub fn parse(text: &[u8]) -> Result<Self, SignatureError> {
        Self::new(&bytes(text, "public key")?)
    }

    /// Whether this key's owner signed the component with this content hash.
    #[must_use]
    pub fn has_signed(&self, hash: &str, signature: &Signature) -> bool {
        self.0.verify_strict(&signed(hash), &signature.0).is_ok()
    }
}

impl Signature {
    /// Reads a signature from the text of its file.
    ///
    /// # Errors
    /// [`SignatureError::Form`] if it is none.
    pub fn parse(text: &[u8]) -> Result<Self, SignatureError> {
        let bytes = bytes(text, "signature")?;
        Ok(Self(Signed::from_bytes(&bytes)))
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Secrets have no place in logs.
        f.debug_tuple("SecretKey").field(&self.public()).finish()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0.as_bytes()))
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0.to_bytes()))
    }
}

fn signed(hash: &str) -> Vec<u8> {
    [CONTEXT, hash.as_bytes()].concat()
}

fn bytes<const N: usize>(text: &[u8], what: &'static str) -> Result<[u8; N], SignatureError> {
    let mut bytes = [0; N];
    let decoded = hex::decode_to_slice(text.trim_ascii(), &mut bytes);
    decoded.map_err(|_| SignatureError::Form { what, bytes: N })?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_owner_of_the_key_signed_and_only_this_component() {
        let [mine, other] = [1, 2].map(|byte| SecretKey::new(&[byte; KEY_BYTES]));
        let signature = mine.sign("hash");
        assert!(mine.public().has_signed("hash", &signature));
        assert!(!mine.public().has_signed("another", &signature));
        assert!(!other.public().has_signed("hash", &signature));
        // One made over the bare hash is none of a plugin.
        let bare = Signature(mine.0.sign(b"hash"));
        assert!(!mine.public().has_signed("hash", &bare));
    }

    #[test]
    fn keys_and_signatures_read_back_from_their_files() {
        let key = SecretKey::new(&[7; KEY_BYTES]);
        let again = SecretKey::parse(format!("{}\n", key.text()).as_bytes()).expect("a key");
        assert_eq!(again.public(), key.public());
        let public = PublicKey::parse(key.public().to_string().as_bytes());
        assert_eq!(public, Ok(key.public()));
        let signature = key.sign("hash");
        let text = format!("{signature}\r\n");
        assert_eq!(Signature::parse(text.as_bytes()), Ok(signature));
        assert!(
            !format!("{key:?}").contains(&key.text()),
            "secrets are not shown"
        );
    }

    #[test]
    fn what_is_no_key_or_signature_is_told_by_its_form() {
        let error = Signature::parse(b"abc").expect_err("too short").to_string();
        assert_eq!(error, "it is no signature: that is 128 hexadecimal digits");
        assert!(SecretKey::parse(&[b'z'; 64]).is_err(), "no digits");
        assert_eq!(
            PublicKey::new(&[0; KEY_BYTES]),
            Err(SignatureError::NoPoint),
            "weak"
        );
    }
}
