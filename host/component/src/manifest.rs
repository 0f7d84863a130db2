//! What a plugin's author says of it: in `plugin.toml` of its project, and from there in a custom
//! section of the component.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use wasm_encoder::{ComponentSection, CustomSection, Encode};
use wasmparser::{Parser, Payload};

/// The custom section of a component that holds its manifest, as JSON.
pub const SECTION: &str = "wasmill-manifest";

/// Most bytes of that section.
pub const SECTION_BYTES_MAX: usize = 1 << 20;

/// What a plugin is, and what it asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Manifest {
    /// The plugin's name: that of its file, without `.wasm`.
    pub name: String,
    /// Its version, as its author counts.
    pub version: String,
    /// The language that it is written in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// What it is for, in a line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it asks for beyond the contract.
    #[serde(default)]
    pub capabilities: Capabilities,
    /// Routes that it suggests to operators, in TOML.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routes: Option<String>,
    /// The version of the schema of its state: it reads this one and, if it exports `migrate`,
    /// those before.
    #[serde(default = "first")]
    pub state_version: u32,
}

/// What a plugin asks for beyond the contract: an operator grants it, or does not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Capabilities {
    /// Hosts of outgoing HTTP, `host` or `host:port`.
    pub http: BTreeSet<String>,
    /// A directory of its own.
    pub files: bool,
    /// Names of environment variables.
    pub env: BTreeSet<String>,
    /// Names of secrets. Left out if there are none, so that hosts that know of none take it.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub secrets: BTreeSet<String>,
}

/// Why a manifest cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// There are several.
    #[error("it has several `{SECTION}` sections: build it anew from its sources")]
    Several,
    /// It is too large.
    #[error(
        "its `{SECTION}` section has {0} bytes, more than {SECTION_BYTES_MAX}: shorten its routes \
         and its description"
    )]
    Large(usize),
    /// It is not of the form it must have.
    #[error(
        "its `{SECTION}` section cannot be read: {0}: build it with this host's `plugin build`"
    )]
    Malformed(String),
}

fn first() -> u32 {
    1
}

impl Manifest {
    /// The manifest of a component; none if it has none.
    ///
    /// # Errors
    /// [`ManifestError`] if there are several, or it is malformed.
    pub fn read(component: &[u8]) -> Result<Option<Self>, ManifestError> {
        let mut found = None;
        let mut depth = 0_u32;
        // Whether the rest of the file is a component is not judged here.
        for payload in Parser::new(0).parse_all(component).map_while(Result::ok) {
            match payload {
                // Those of components and modules within are not this one's.
                Payload::ComponentSection { .. } | Payload::ModuleSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::CustomSection(section) if depth == 0 && section.name() == SECTION => {
                    let bytes = section.data().len();
                    if bytes > SECTION_BYTES_MAX {
                        return Err(ManifestError::Large(bytes));
                    }
                    let malformed =
                        |error: serde_json::Error| ManifestError::Malformed(error.to_string());
                    let manifest = wasmill_json::read(section.data()).map_err(malformed)?;
                    if found.replace(manifest).is_some() {
                        return Err(ManifestError::Several);
                    }
                }
                _ => {}
            }
        }
        Ok(found)
    }

    /// A component with this manifest at its end. It must have none.
    #[must_use]
    pub fn embed(&self, component: &[u8]) -> Vec<u8> {
        let json = serde_json::to_vec(self).expect("a manifest is plain data");
        let section = CustomSection {
            name: SECTION.into(),
            data: json.into(),
        };
        let mut with = component.to_vec();
        with.push(ComponentSection::id(&section));
        section.encode(&mut with);
        with
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

    fn manifest() -> Manifest {
        let text = r#"{"name": "loyalty", "version": "1.2.0", "capabilities": {"files": true}}"#;
        serde_json::from_str(text).expect("a manifest")
    }

    #[test]
    fn a_manifest_is_read_as_it_was_embedded() {
        let manifest = manifest();
        assert_eq!(
            (manifest.state_version, manifest.capabilities.files),
            (1, true)
        );
        let with = manifest.embed(EMPTY);
        assert_eq!(Manifest::read(&with), Ok(Some(manifest.clone())));
        assert_eq!(Manifest::read(EMPTY), Ok(None));
        assert_eq!(
            Manifest::read(&manifest.embed(&with)),
            Err(ManifestError::Several)
        );
    }

    #[test]
    fn a_manifest_of_before_there_were_secrets_asks_for_none() {
        let old = r#"{"name": "loyalty", "version": "1", "capabilities": {"http": [], "files": true, "env": []}}"#;
        let mut manifest: Manifest = serde_json::from_str(old).expect("a manifest");
        assert!(manifest.capabilities.secrets.is_empty());
        let written = |manifest: &Manifest| serde_json::to_string(manifest).expect("JSON");
        assert!(
            !written(&manifest).contains("secrets"),
            "an old host takes it"
        );
        manifest.capabilities.secrets.insert("KEY".to_owned());
        assert_eq!(Manifest::read(&manifest.embed(EMPTY)), Ok(Some(manifest)));
    }

    #[test]
    fn the_manifest_of_what_lies_within_is_not_its_own() {
        let within = manifest().embed(EMPTY);
        let mut outer = EMPTY.to_vec();
        // Section 4 is a component.
        outer.push(4);
        within.encode(&mut outer);
        assert_eq!(Manifest::read(&outer), Ok(None));
        let with = manifest().embed(&outer);
        assert_eq!(Manifest::read(&with), Ok(Some(manifest())));
    }

    #[test]
    fn a_manifest_without_end_is_not_read() {
        let manifest = Manifest {
            routes: Some("#".repeat(SECTION_BYTES_MAX)),
            ..manifest()
        };
        let large = Manifest::read(&manifest.embed(EMPTY));
        assert!(matches!(large, Err(ManifestError::Large(_))), "{large:?}");
    }

    #[test]
    fn a_manifest_with_a_word_that_this_host_does_not_know_is_refused_by_it() {
        let mut value = serde_json::to_value(manifest()).expect("JSON");
        value["capabilities"]["sockets"] = true.into();
        let section = CustomSection {
            name: SECTION.into(),
            data: serde_json::to_vec(&value).expect("JSON").into(),
        };
        let mut with = EMPTY.to_vec();
        with.push(ComponentSection::id(&section));
        section.encode(&mut with);
        let Err(ManifestError::Malformed(why)) = Manifest::read(&with) else {
            panic!("it was taken");
        };
        assert!(why.contains("sockets"), "{why}");
    }
}
