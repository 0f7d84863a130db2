//! A component, described: what it is, imports, exports and asks for.

use serde::Serialize;
use sha2::{Digest, Sha256};
use wasmparser::{KnownCustom, Parser, Payload, ProducersSectionReader};

use crate::interface::Interfaces;
use crate::kind::{NotComponent, check_kind};
use crate::manifest::{Manifest, ManifestError};

/// What a component's file says.
#[derive(Clone, Debug, Serialize)]
pub struct Description {
    /// Its content hash: SHA-256, hexadecimal.
    pub hash: String,
    /// Its bytes.
    pub size: usize,
    /// What its author says; none if it was built without.
    pub manifest: Option<Manifest>,
    /// The language it is written in: what the manifest says, or else its compiler.
    pub language: Option<String>,
    /// What it imports and exports.
    #[serde(flatten)]
    pub interfaces: Interfaces,
}

/// Why a file cannot be described.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is no component.
    #[error(transparent)]
    Kind(#[from] NotComponent),
    /// Its manifest cannot be read.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// Its types cannot be read.
    #[error("its interfaces cannot be read: {0}: build it with a current toolchain")]
    Interfaces(String),
}

impl Description {
    /// Describes a component.
    ///
    /// # Errors
    /// [`Error`] if it is none, or says of itself what cannot be read.
    pub fn of(component: &[u8]) -> Result<Self, Error> {
        check_kind(component)?;
        let manifest = Manifest::read(component)?;
        let interfaces = Interfaces::of(component).map_err(Error::Interfaces)?;
        let language = match manifest.as_ref().and_then(|it| it.language.clone()) {
            None => compiled_from(component),
            said => said,
        };
        Ok(Self {
            hash: hex::encode(Sha256::digest(component)),
            size: component.len(),
            manifest,
            language,
            interfaces,
        })
    }
}

/// What the compiler of the component, or of a module within it, says of itself.
fn compiled_from(component: &[u8]) -> Option<String> {
    let payloads = Parser::new(0).parse_all(component);
    payloads.flatten().find_map(|payload| match payload {
        Payload::CustomSection(section) => match section.as_known() {
            KnownCustom::Producers(fields) => language(fields),
            _ => None,
        },
        _ => None,
    })
}

fn language(producers: ProducersSectionReader<'_>) -> Option<String> {
    let fields = producers.into_iter().flatten();
    let mut languages = fields.filter(|field| field.name == "language");
    let language = languages.next()?.values.into_iter().flatten().next()?;
    Some(language.name.to_owned())
}
