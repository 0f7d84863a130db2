//! The layers of the architecture, checked against `Cargo.toml` and code.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Deserialize;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use testkit::artifacts::workspace;

use super::Finding;
use super::layer_table::{LAYERS, Layer};
use super::sources::Sources;
use crate::process::{cargo, output};

/// A crate as cargo knows it.
#[derive(Deserialize)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) manifest_path: String,
    pub(super) dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
pub(super) struct Dependency {
    pub(super) name: String,
    /// None for an ordinary one, `dev` or `build`.
    pub(super) kind: Option<String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

/// The crates of this workspace.
///
/// # Errors
/// If cargo does not list them.
pub(super) fn packages() -> Result<Vec<Package>> {
    let listed = output(cargo().args(["metadata", "--no-deps", "--format-version", "1"]))?;
    let Metadata { packages } = serde_json::from_str(&listed)?;
    Ok(packages)
}

/// Checks manifests and code of every crate.
///
/// # Errors
/// If a crate is of another workspace.
pub(super) fn check(sources: &Sources, packages: &[Package]) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for package in packages {
        let manifest = std::path::Path::new(&package.manifest_path);
        let manifest = manifest.strip_prefix(workspace().canonicalize()?);
        let manifest = manifest
            .context("a crate lies outside the workspace")?
            .to_string_lossy();
        let Some(layer) = layer_of(&package.name) else {
            let text = format!(
                "`{}` has no layer: add it to xtask/src/tidy/layer_table.rs",
                package.name
            );
            findings.push(Finding::new(&manifest, 1, text));
            continue;
        };
        let workspace_crates = packages
            .iter()
            .map(|package| package.name.as_str())
            .collect::<Vec<_>>();
        findings.extend(manifest_findings(
            layer,
            package,
            &manifest,
            &workspace_crates,
        ));
        let folder = manifest.replace("Cargo.toml", "src/");
        for file in sources
            .rust
            .iter()
            .filter(|file| file.path.starts_with(&folder))
        {
            findings.extend(code_findings(layer, &file.path, &file.syntax));
        }
    }
    Ok(findings)
}

fn layer_of(name: &str) -> Option<&'static Layer> {
    LAYERS.iter().find(|layer| matches(layer.name, name))
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => name == pattern,
    }
}

fn manifest_findings(
    layer: &Layer,
    package: &Package,
    manifest: &str,
    workspace_crates: &[&str],
) -> Vec<Finding> {
    let ordinary = package
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind.is_none());
    let mut findings = Vec::new();
    for Dependency { name, .. } in ordinary {
        let ours = workspace_crates.contains(&name.as_str());
        let allowed = layer.may_use.iter().any(|pattern| matches(pattern, name));
        if ours && !allowed {
            let may = layer.may_use.join(", ");
            let text = format!("`{}` may not use `{name}`, only [{may}]", package.name);
            findings.push(Finding::new(manifest, 1, text));
        }
        if layer.never.contains(&name.as_str()) {
            let text = format!(
                "`{}` never uses `{name}`: move that to another layer",
                package.name
            );
            findings.push(Finding::new(manifest, 1, text));
        }
    }
    findings
}

fn code_findings(layer: &Layer, path: &str, syntax: &syn::File) -> Vec<Finding> {
    let mut named = Named::default();
    named.visit_file(syntax);
    let mut findings = BTreeMap::new();
    for (name, line) in named.paths {
        let forbidden = |never: &&&str| name == **never || name.starts_with(&format!("{never}::"));
        if let Some(never) = layer.never.iter().find(forbidden) {
            let text = format!(
                "`{}` never names `{never}`: take it as an argument, or move \
                 this to another layer",
                layer.name
            );
            findings
                .entry((line, never))
                .or_insert_with(|| Finding::new(path, line, text));
        }
    }
    findings.into_values().collect()
}

/// All paths that code names, imports included, with their lines. Tests are exempt.
#[derive(Default)]
struct Named {
    paths: Vec<(String, usize)>,
}

impl<'ast> Visit<'ast> for Named {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !item.attrs.iter().any(is_cfg_test) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if !item.attrs.iter().any(is_cfg_test) {
            self.imports("", &item.tree);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments = path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string());
        let name = segments.collect::<Vec<_>>().join("::");
        self.paths.push((name, path.span().start().line));
        visit::visit_path(self, path);
    }
}

impl Named {
    fn imports(&mut self, prefix: &str, tree: &syn::UseTree) {
        let join = |ident: &syn::Ident| match prefix {
            "" => ident.to_string(),
            _ => format!("{prefix}::{ident}"),
        };
        let line = tree.span().start().line;
        match tree {
            syn::UseTree::Path(path) => self.imports(&join(&path.ident), &path.tree),
            syn::UseTree::Name(name) => self.paths.push((join(&name.ident), line)),
            syn::UseTree::Rename(rename) => self.paths.push((join(&rename.ident), line)),
            syn::UseTree::Glob(_) => self.paths.push((prefix.to_owned(), line)),
            syn::UseTree::Group(group) => {
                group
                    .items
                    .iter()
                    .for_each(|tree| self.imports(prefix, tree));
            }
        }
    }
}

fn is_cfg_test(attribute: &syn::Attribute) -> bool {
    let word = || attribute.parse_args::<syn::Ident>();
    attribute.path().is_ident("cfg") && word().is_ok_and(|word| word == "test")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(layer: &str, code: &str) -> Vec<String> {
        let syntax = syn::parse_file(code).unwrap();
        let findings = code_findings(layer_of(layer).unwrap(), "a.rs", &syntax);
        findings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_engine_cannot_ask_for_the_time() {
        let code = "use std::time::{Duration, Instant};\nfn f() { std::time::SystemTime::now(); }";
        let found = found("wasmill-engine", code);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("a.rs:1: `wasmill-engine` never names `std::time::Instant`"));
        assert!(found[1].starts_with("a.rs:2: "));
    }

    #[test]
    fn tests_of_a_pure_layer_may_do_more() {
        assert!(
            found(
                "wasmill-engine",
                "#[cfg(test)] mod tests { use rand::Rng; }"
            )
            .is_empty()
        );
    }

    #[test]
    fn a_dependency_on_a_layer_above_is_found() {
        let package = Package {
            name: "wasmill-store".to_owned(),
            manifest_path: String::new(),
            dependencies: vec![
                Dependency {
                    name: "wasmill-api".to_owned(),
                    kind: None,
                },
                Dependency {
                    name: "wasmill-model".to_owned(),
                    kind: None,
                },
                Dependency {
                    name: "axum".to_owned(),
                    kind: None,
                },
                Dependency {
                    name: "axum".to_owned(),
                    kind: Some("dev".to_owned()),
                },
            ],
        };
        let layer = layer_of("wasmill-store").unwrap();
        let found = manifest_findings(
            layer,
            &package,
            "Cargo.toml",
            &["wasmill-api", "wasmill-model"],
        );
        assert_eq!(found.len(), 2, "{found:?}");
    }

    #[test]
    fn a_name_is_not_taken_for_another_that_begins_like_it() {
        assert!(found("wasmill-store", "use wasmtime_cache::A; use axumish::B;").is_empty());
    }
}
