//! A project built: the SDK laid out, the compiler run, and the plugin's file written.

use std::path::{Path, PathBuf};

use wasmill_component::Manifest;

use crate::{Error, Project, Tools, componentize, embed, file};

/// A plugin's file.
#[derive(Debug)]
pub struct Built {
    /// Where it is.
    pub path: PathBuf,
    /// What it says of itself.
    pub manifest: Manifest,
    /// Its size.
    pub bytes: usize,
}

/// Builds the project in the directory `root` with these tools, and writes the plugin to `out`,
/// or else to `NAME.wasm` in that directory.
///
/// # Errors
/// [`Error`]; a plugin that was built before stays as it is.
pub fn build(root: &Path, out: Option<&Path>, tools: &Tools) -> Result<Built, Error> {
    let project = Project::read(root)?;
    let name = format!("{}.wasm", project.manifest.name);
    let path = out.map_or_else(|| root.join(name), Path::to_owned);
    project.language.write_sdk(root)?;
    let compiled = (project.language.compile)(&project, tools)?;
    let component = componentize(file::read(&compiled)?)?;
    let plugin = embed(&component, &project.manifest)?;
    file::write_whole(&path, &plugin)?;
    Ok(Built {
        path,
        manifest: project.manifest,
        bytes: plugin.len(),
    })
}
