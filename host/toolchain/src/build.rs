//! A project built: the SDK laid out, the compiler run, and the plugin's file written.

use std::path::{Path, PathBuf};

use wasmill_component::{CONTRACT, CONTRACT_VERSION, Interfaces, Manifest};

use crate::{Error, Project, Tools, componentize, file, fit};

/// A plugin's file.
#[derive(Debug)]
pub struct Built {
    /// Where it is.
    pub path: PathBuf,
    /// What it says of itself.
    pub manifest: Manifest,
    /// Its size.
    pub bytes: usize,
    /// What its author should know of it though hosts take it.
    pub warning: Option<String>,
}

/// Builds the project in the directory `root` with these tools, and writes the plugin to the file
/// `out`, or else to `NAME.wasm` in that directory.
///
/// # Errors
/// [`Error`]; a plugin that was built before stays as it is.
pub fn build(root: &Path, out: Option<&Path>, tools: &Tools) -> Result<Built, Error> {
    let project = Project::read(root)?;
    let name = format!("{}.wasm", project.manifest.name);
    let path = out.map_or_else(|| root.join(&name), Path::to_owned);
    // Before a compiler runs for a minute.
    if path.is_dir() {
        let file = path.join(name);
        return Err(Error::OutIsDirectory { path, file });
    }
    project.language.write_sdk(root)?;
    let compiled = (project.language.compile)(&project, tools)?;
    let component = componentize(file::read(&compiled)?)?;
    let interfaces = fit(&component)?;
    let plugin = project.manifest.embed(&component);
    file::write_whole(&path, &plugin)?;
    Ok(Built {
        path,
        bytes: plugin.len(),
        warning: unmigrated(&project.manifest, &interfaces),
        manifest: project.manifest,
    })
}

/// What is to be told of a plugin that cannot read what its earlier versions wrote.
fn unmigrated(manifest: &Manifest, interfaces: &Interfaces) -> Option<String> {
    let migration = format!("{CONTRACT}migration@{CONTRACT_VERSION}");
    let version = manifest.state_version;
    if version == 1 || interfaces.exports.contains_key(&migration) {
        return None;
    }
    Some(format!(
        "`state-version` is {version}, and the plugin exports no `migrate`: a host on which a lower \
         version served refuses it; export `migration` of the contract, which brings states up to date"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugin_that_leaves_its_earlier_versions_states_behind_is_warned_of() {
        let manifest = |state_version| Manifest {
            name: "points".to_owned(),
            version: "2".to_owned(),
            language: None,
            description: None,
            capabilities: wasmill_component::Capabilities::default(),
            routes: None,
            state_version,
        };
        let mut interfaces = Interfaces::default();
        assert_eq!(unmigrated(&manifest(1), &interfaces), None);
        let warning = unmigrated(&manifest(2), &interfaces).unwrap();
        assert!(
            warning.starts_with("`state-version` is 2, and"),
            "{warning}"
        );
        let migration = format!("{CONTRACT}migration@{CONTRACT_VERSION}");
        interfaces.exports.insert(migration, Default::default());
        assert_eq!(unmigrated(&manifest(2), &interfaces), None);
    }
}
