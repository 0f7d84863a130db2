//! How two versions of a plugin differ, for operators who are to take the later one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use crate::description::Description;
use crate::interface::Interface;
use crate::manifest::{Capabilities, Manifest};

/// A difference between an earlier and a later version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What differs: `imports`, `capabilities.http`, `version`.
    pub of: String,
    /// What the earlier one has; none if nothing.
    pub before: Option<String>,
    /// What the later one has; none if nothing.
    pub after: Option<String>,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { of, before, after } = self;
        match (before, after) {
            (Some(before), Some(after)) => write!(f, "~ {of}: {before} -> {after}"),
            (Some(before), None) => write!(f, "- {of}: {before}"),
            (None, Some(after)) => write!(f, "+ {of}: {after}"),
            (None, None) => write!(f, "  {of}"),
        }
    }
}

/// All differences: of what their authors say, of content, of capabilities, of interfaces. None if
/// both are the same file.
#[must_use]
pub fn changes(before: &Description, after: &Description) -> Vec<Change> {
    let mut changes = Vec::new();
    let (said, says) = (before.manifest.as_ref(), after.manifest.as_ref());
    let mut value = |of: &str, get: &dyn Fn(&Manifest) -> String| {
        let (before, after) = (said.map(get), says.map(get));
        if before != after {
            changes.push(Change {
                of: of.to_owned(),
                before,
                after,
            });
        }
    };
    value("name", &|it| it.name.clone());
    value("version", &|it| it.version.clone());
    value("state-version", &|it| it.state_version.to_string());
    value("description", &|it| {
        it.description.clone().unwrap_or_default()
    });
    value("routes", &|it| it.routes.clone().unwrap_or_default());
    if before.hash != after.hash {
        changes.push(Change {
            of: "hash".to_owned(),
            before: Some(before.hash.clone()),
            after: Some(after.hash.clone()),
        });
    }
    if before.language != after.language {
        changes.push(Change {
            of: "language".to_owned(),
            before: before.language.clone(),
            after: after.language.clone(),
        });
    }
    let none = Capabilities::default();
    let of = |manifest: Option<&Manifest>| manifest.map_or(&none, |it| &it.capabilities).clone();
    capabilities(&of(said), &of(says), &mut changes);
    interfaces(
        "imports",
        &before.interfaces.imports,
        &after.interfaces.imports,
        &mut changes,
    );
    interfaces(
        "exports",
        &before.interfaces.exports,
        &after.interfaces.exports,
        &mut changes,
    );
    changes
}

fn capabilities(before: &Capabilities, after: &Capabilities, changes: &mut Vec<Change>) {
    names("capabilities.http", &before.http, &after.http, changes);
    names("capabilities.env", &before.env, &after.env, changes);
    if before.files != after.files {
        let own = |has: bool| has.then(|| "a directory of its own".to_owned());
        changes.push(Change {
            of: "capabilities.files".to_owned(),
            before: own(before.files),
            after: own(after.files),
        });
    }
}

fn names(of: &str, before: &BTreeSet<String>, after: &BTreeSet<String>, to: &mut Vec<Change>) {
    let gone = before.difference(after).map(|it| (Some(it.clone()), None));
    let new = after.difference(before).map(|it| (None, Some(it.clone())));
    to.extend(gone.chain(new).map(|(before, after)| Change {
        of: of.to_owned(),
        before,
        after,
    }));
}

type Interfaces = BTreeMap<String, Interface>;

fn interfaces(of: &str, before: &Interfaces, after: &Interfaces, changes: &mut Vec<Change>) {
    let keys = |all: &Interfaces| all.keys().cloned().collect::<BTreeSet<_>>();
    let (before_keys, after_keys) = (keys(before), keys(after));
    names(of, &before_keys, &after_keys, changes);
    for name in before_keys.intersection(&after_keys) {
        let (before, after) = (&before[name], &after[name]);
        items(name, &before.functions, &after.functions, |_| true, changes);
        // A type comes and goes with the functions that use it.
        let both = |it: &String| before.types.contains_key(it) && after.types.contains_key(it);
        items(name, &before.types, &after.types, both, changes);
    }
}

type Items = BTreeMap<String, String>;

fn items(
    of: &str,
    before: &Items,
    after: &Items,
    counts: impl Fn(&String) -> bool,
    changes: &mut Vec<Change>,
) {
    let all: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    for item in all.into_iter().filter(|item| counts(item)) {
        let (before, after) = (before.get(item), after.get(item));
        if before != after {
            changes.push(Change {
                of: format!("{of} {item}"),
                before: before.cloned(),
                after: after.cloned(),
            });
        }
    }
}
