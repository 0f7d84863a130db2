//! The contract as a package of WIT text, and whether a later text keeps what was released.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;

use semver::{Version, VersionReq};
use wit_parser::{PackageId, Resolve, SourceMap, WorldItem, WorldKey};

use crate::changes::{Change, Changes};
use crate::interface::Interface;

/// The text of the contract that this host speaks. The first file names the package.
pub const SOURCES: [(&str, &str); 4] = [
    ("types.wit", include_str!("../../../wit/types.wit")),
    ("host.wit", include_str!("../../../wit/host.wit")),
    ("exports.wit", include_str!("../../../wit/exports.wit")),
    ("worlds.wit", include_str!("../../../wit/worlds.wit")),
];

static CURRENT: LazyLock<Package> = LazyLock::new(|| {
    Package::parse(&SOURCES).expect("the contract's text is well-formed, as a test shows")
});

/// A version of the contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Its version.
    pub version: Version,
    /// Its interfaces by their names, without the package's.
    pub interfaces: BTreeMap<String, Interface>,
    /// Its worlds: what each imports and exports, as `import queue`.
    pub worlds: BTreeMap<String, BTreeSet<String>>,
}

impl Package {
    /// The contract that this host speaks.
    #[must_use]
    pub fn current() -> &'static Self {
        &CURRENT
    }

    /// Reads a package of named texts.
    ///
    /// # Errors
    /// Where and why it is not well-formed.
    pub fn parse(sources: &[(&str, &str)]) -> Result<Self, String> {
        let (resolve, id) = resolved(sources)?;
        let package = &resolve.packages[id];
        let version = package.name.version.clone();
        let interfaces = package.interfaces.iter();
        let worlds = package.worlds.iter();
        Ok(Self {
            version: version.ok_or("the package has no version")?,
            interfaces: interfaces
                .map(|(name, id)| (name.clone(), Interface::of(&resolve, *id)))
                .collect(),
            worlds: worlds
                .map(|(name, id)| (name.clone(), items(&resolve, &resolve.worlds[*id])))
                .collect(),
        })
    }

    /// What of a released version this one breaks. What is released never changes; a later version
    /// that semantic versioning calls compatible may add to it, and take nothing away.
    #[must_use]
    pub fn breaks(&self, released: &Self) -> Vec<Change> {
        let later = self.version > released.version;
        let compatible = VersionReq::parse(&format!("^{}", released.version));
        if later && compatible.is_ok_and(|it| !it.matches(&self.version)) {
            return Vec::new();
        }
        let mut changes = Changes::default();
        changes.interfaces("interfaces", &released.interfaces, &self.interfaces);
        for name in released
            .worlds
            .keys()
            .chain(self.worlds.keys())
            .collect::<BTreeSet<_>>()
        {
            let of = |it: &Self| it.worlds.get(name).cloned().unwrap_or_default();
            changes.names(&format!("world {name}"), &of(released), &of(self));
        }
        let mut changes = changes.into_vec();
        if later {
            changes.retain(|it| it.before.is_some());
        }
        changes
    }
}

/// The contract that this host speaks, as its interfaces refer to each other.
#[must_use]
pub fn resolved_contract() -> Resolve {
    let (contract, _) = resolved(&SOURCES).expect("the contract's text is well-formed");
    contract
}

fn resolved(sources: &[(&str, &str)]) -> Result<(Resolve, PackageId), String> {
    let mut map = SourceMap::new();
    for (name, text) in sources {
        map.push(Path::new(name), *text);
    }
    let mut resolve = Resolve::default();
    let group = map.parse().map_err(|(map, error)| error.render(&map))?;
    let pushed = resolve.push_group(group);
    let id = pushed.map_err(|error| format!("{error:#}"))?;
    Ok((resolve, id))
}

/// What a world imports and exports.
fn items(resolve: &Resolve, world: &wit_parser::World) -> BTreeSet<String> {
    let named = |way: &str, (key, _): (&WorldKey, &WorldItem)| {
        let name = match key {
            WorldKey::Name(name) => name.clone(),
            WorldKey::Interface(id) => {
                let name = resolve.interfaces[*id].name.clone();
                name.expect("an interface that is not in place has a name")
            }
        };
        format!("{way} {name}")
    };
    let imports = world.imports.iter().map(|it| named("import", it));
    let exports = world.exports.iter().map(|it| named("export", it));
    imports.chain(exports).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(version: &str, body: &str) -> Package {
        let text = format!("package a:b@{version};\n{body}");
        Package::parse(&[("a.wit", &text)]).expect("well-formed")
    }

    fn broken(version: &str, body: &str) -> Vec<String> {
        let released = package("0.1.0", "interface i { f: func(); } world w { export i; }");
        let breaks = package(version, body).breaks(&released);
        breaks.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_contract_is_whole() {
        let current = Package::current();
        assert!(
            current.interfaces["handler"]
                .functions
                .contains_key("handle")
        );
        assert!(current.worlds["step"].contains("export handler"));
        assert!(current.breaks(current).is_empty());
    }

    #[test]
    fn a_released_version_never_changes() {
        let same = "interface i { f: func(); } world w { export i; }";
        assert!(broken("0.1.0", same).is_empty());
        let more = "interface i { f: func(); g: func(); } world w { export i; }";
        assert_eq!(broken("0.1.0", more), ["+ i g: func()"]);
        let other = "interface i { f: func() -> u8; } world w { export i; }";
        assert_eq!(broken("0.1.0", other), ["~ i f: func() -> func() -> u8"]);
        let turned = "interface i { f: func(); } world w { import i; }";
        assert_eq!(
            broken("0.1.0", turned),
            ["- world w: export i", "+ world w: import i"]
        );
    }

    #[test]
    fn a_compatible_version_adds_and_takes_nothing_away() {
        let more = "interface i { f: func(); g: func(); } world w { export i; import j; }
            interface j { h: func(); }";
        assert!(broken("0.1.1", more).is_empty());
        let less = "interface i { g: func(); } world w { export i; }";
        assert_eq!(broken("0.1.1", less), ["- i f: func()"]);
        assert!(broken("0.2.0", less).is_empty(), "another contract");
        assert_eq!(broken("0.0.9", less).len(), 2, "a version that goes back");
    }

    #[test]
    fn a_text_that_is_none_is_told_where() {
        let error = Package::parse(&[("a.wit", "package a:b@1.0.0;\ninterface {}")]);
        let error = error.expect_err("no name");
        assert!(error.contains("a.wit:2"), "{error}");
    }
}
