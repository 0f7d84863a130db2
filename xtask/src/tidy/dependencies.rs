//! The table of direct dependencies in the architecture's page, held to the manifests.

use std::collections::BTreeMap;

use super::Finding;
use super::layers::Package;
use super::sources::Sources;

/// The page, and the heading that the table stands under.
const PAGE: &str = "ARCHITECTURE.md";
const HEADING: &str = "## Direct dependencies";

/// Compares the table with what the manifests name, for whatever kind of build.
pub(super) fn check(sources: &Sources, packages: &[Package]) -> Vec<Finding> {
    let page = sources.texts.iter().find(|text| text.path == PAGE);
    let text = page.map_or("", |page| page.content.as_str());
    judge(text, packages)
}

fn judge(page: &str, packages: &[Package]) -> Vec<Finding> {
    let mut listed = listed(page);
    let mut findings = Vec::new();
    for (name, user) in foreign(packages) {
        if listed.remove(name).is_none() {
            let text = format!(
                "`{name}`, which `{user}` uses, is not in the table of direct dependencies: say \
                 why it is needed"
            );
            findings.push(Finding::new(PAGE, 1, text));
        }
    }
    let gone = listed.into_iter().map(|(name, line)| {
        let text = format!("no manifest names `{name}`: take it out of the table");
        Finding::new(PAGE, line, text)
    });
    findings.extend(gone);
    findings
}

/// Crates of others by name, each with one that uses it.
fn foreign(packages: &[Package]) -> BTreeMap<&str, &str> {
    let is_own = |name: &str| packages.iter().any(|package| package.name == name);
    let used = packages.iter().flat_map(|package| {
        let names = package.dependencies.iter().map(|it| it.name.as_str());
        names.map(|name| (name, package.name.as_str()))
    });
    used.filter(|(name, _)| !is_own(name)).collect()
}

/// The crates in the table's first column, with their lines.
fn listed(page: &str) -> BTreeMap<&str, usize> {
    let lines = page.lines().zip(1..);
    let below = lines.skip_while(|(line, _)| !line.starts_with(HEADING));
    // Under the table's head and its rule.
    let rows = below.filter(|(line, _)| line.starts_with("| ")).skip(1);
    let names = rows.flat_map(|(line, number)| {
        let column = line.split('|').nth(1).unwrap_or_default();
        column.split(',').map(move |name| (name.trim(), number))
    });
    names.collect()
}

#[cfg(test)]
mod tests {
    use super::super::layers::Dependency;
    use super::*;

    fn package(name: &str, uses: &[&str]) -> Package {
        let dependency = |name: &&str| Dependency {
            name: (*name).to_owned(),
            kind: None,
        };
        Package {
            name: name.to_owned(),
            manifest_path: String::new(),
            dependencies: uses.iter().map(dependency).collect(),
        }
    }

    #[test]
    fn the_table_is_held_to_the_manifests_both_ways() {
        let page = "| tokio | not of this table |\n\n## Direct dependencies, and why\n\n\
            | Crate | Why |\n|---|---|\n| sled, toml | because |\n| csv | files |\n";
        let packages = [
            package("wasmill-store", &["sled", "rustix", "wasmill-port"]),
            package("wasmill-port", &["toml"]),
        ];
        let found = judge(page, &packages);
        let found: Vec<_> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 2, "{found:?}");
        let missing =
            "ARCHITECTURE.md:1: `rustix`, which `wasmill-store` uses, is not in the table";
        assert!(found[0].starts_with(missing), "{found:?}");
        let gone = "ARCHITECTURE.md:8: no manifest names `csv`";
        assert!(found[1].starts_with(gone), "{found:?}");
    }
}
