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
            (None, after) => write!(f, "+ {of}: {}", after.as_deref().unwrap_or_default()),
        }
    }
}

/// All differences: of what their authors say, of content, of capabilities, of interfaces. None if
/// both are the same file.
#[must_use]
pub fn changes(before: &Description, after: &Description) -> Vec<Change> {
    let mut changes = Changes::default();
    let (said, says) = (before.manifest.as_ref(), after.manifest.as_ref());
    let mut value = |of: &str, get: fn(&Manifest) -> Option<String>| {
        changes.compare(of, said.and_then(get), says.and_then(get));
    };
    value("name", |it| Some(it.name.clone()));
    value("version", |it| Some(it.version.clone()));
    value("state-version", |it| Some(it.state_version.to_string()));
    value("description", |it| it.description.clone());
    value("routes", |it| it.routes.clone());
    let hash = |it: &Description| Some(it.hash.clone());
    changes.compare("hash", hash(before), hash(after));
    changes.compare("language", before.language.clone(), after.language.clone());
    let none = Capabilities::default();
    let asked = |manifest: Option<&Manifest>| manifest.map_or(&none, |it| &it.capabilities).clone();
    changes.capabilities(&asked(said), &asked(says));
    let (before, after) = (&before.interfaces, &after.interfaces);
    changes.interfaces("imports", &before.imports, &after.imports);
    changes.interfaces("exports", &before.exports, &after.exports);
    changes.into_vec()
}

/// Differences as they are found.
#[derive(Default)]
pub(crate) struct Changes(Vec<Change>);

type Interfaces = BTreeMap<String, Interface>;
type Items = BTreeMap<String, String>;

impl Changes {
    pub(crate) fn into_vec(self) -> Vec<Change> {
        self.0
    }

    fn compare(&mut self, of: &str, before: Option<String>, after: Option<String>) {
        if before != after {
            let of = of.to_owned();
            self.0.push(Change { of, before, after });
        }
    }

    fn capabilities(&mut self, before: &Capabilities, after: &Capabilities) {
        self.names("capabilities.http", &before.http, &after.http);
        self.names("capabilities.env", &before.env, &after.env);
        self.names("capabilities.secrets", &before.secrets, &after.secrets);
        let own = |it: &Capabilities| it.files.then(|| "a directory of its own".to_owned());
        self.compare("capabilities.files", own(before), own(after));
    }

    pub(crate) fn names(&mut self, of: &str, before: &BTreeSet<String>, after: &BTreeSet<String>) {
        for gone in before.difference(after) {
            self.compare(of, Some(gone.clone()), None);
        }
        for new in after.difference(before) {
            self.compare(of, None, Some(new.clone()));
        }
    }

    pub(crate) fn interfaces(&mut self, of: &str, before: &Interfaces, after: &Interfaces) {
        let keys = |all: &Interfaces| all.keys().cloned().collect::<BTreeSet<_>>();
        let (before_keys, after_keys) = (keys(before), keys(after));
        self.names(of, &before_keys, &after_keys);
        for name in before_keys.intersection(&after_keys) {
            let (before, after) = (&before[name], &after[name]);
            self.items(name, &before.functions, &after.functions, |_| true);
            // A type comes and goes with the functions that use it.
            let both = |it: &String| before.types.contains_key(it) && after.types.contains_key(it);
            self.items(name, &before.types, &after.types, both);
        }
    }

    fn items(&mut self, of: &str, before: &Items, after: &Items, counts: impl Fn(&String) -> bool) {
        let all: BTreeSet<_> = before.keys().chain(after.keys()).collect();
        for item in all.into_iter().filter(|item| counts(item)) {
            let value = |of: &Items| of.get(item).cloned();
            self.compare(&format!("{of} {item}"), value(before), value(after));
        }
    }
}
