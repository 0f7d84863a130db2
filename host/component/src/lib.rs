//! Plugins as files: what a component says of itself, whether it keeps to the contract, and how two
//! versions of it differ. Nothing is compiled or run here.

mod changes;
mod contract;
mod description;
mod interface;
mod kind;
mod manifest;
mod package;
mod signature;
mod surroundings;

pub use changes::{Change, changes};
pub use contract::{CONTRACT, CONTRACT_VERSION, Misfit, check, check_names, check_plugin};
pub use description::{Description, Error};
pub use interface::{Interface, Interfaces};
pub use kind::{NotComponent, check_kind};
pub use manifest::{Capabilities, Manifest, ManifestError, SECTION, SECTION_BYTES_MAX};
pub use package::{Package, SOURCES, resolved_contract};
pub use signature::{KEY_BYTES, PublicKey, SecretKey, Signature, SignatureError};
pub use surroundings::{LINKED_DRAFTS, LINKED_IN_WORDS, LINKED_STABLE, MESSAGING, check_called};
