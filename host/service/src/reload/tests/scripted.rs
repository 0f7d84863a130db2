//! Plugins by script: no component is compiled.

use std::collections::BTreeMap;
use std::sync::Mutex;

use wasmill_model::Name;
use wasmill_port::Plugins;
use wasmill_port::plugins::{ActError, Action, File as Dropped, Installed, Rejected, Standing};

use crate::plugins::Serving;

/// What happened to the plugins, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    Installed(String, String),
    Refused(String, String),
    Dismissed(String),
    Restored(String),
    Removed(String),
    Serving(String, bool),
}

/// Plugins that only note what becomes of them.
#[derive(Default)]
pub(super) struct Scripted {
    events: Mutex<Vec<Event>>,
    kept: Mutex<BTreeMap<Name, String>>,
}

impl Scripted {
    fn note(&self, event: Event) {
        self.events.lock().expect("unpoisoned").push(event);
    }

    /// Keeps a version from before.
    pub(super) fn keep(&self, plugin: &str, version: &str) {
        let mut kept = self.kept.lock().expect("unpoisoned");
        kept.insert(plugin.into(), version.to_owned());
    }

    pub(super) fn events(&self) -> Vec<Event> {
        self.events.lock().expect("unpoisoned").clone()
    }
}

fn rejected(plugin: &Name) -> Rejected {
    Rejected {
        plugin: plugin.clone(),
        reason: "it is not good".into(),
    }
}

impl Plugins for Scripted {
    async fn install(&self, name: &Name, file: Dropped<'_>) -> Result<Installed, Rejected> {
        let text = String::from_utf8_lossy(file.component).into_owned();
        assert!(!text.starts_with("panic"), "the compiler has a bug");
        if !(text.starts_with("good") && text.ends_with('.')) {
            self.note(Event::Refused(name.to_string(), text));
            return Err(rejected(name));
        }
        self.note(Event::Installed(name.to_string(), text.clone()));
        self.kept
            .lock()
            .expect("unpoisoned")
            .insert(name.clone(), text.clone());
        Ok(serves(text))
    }

    async fn dismiss(&self, name: &Name) {
        self.note(Event::Dismissed(name.to_string()));
    }

    async fn restore(&self, name: &Name) -> Result<Installed, Rejected> {
        let kept = self.kept.lock().expect("unpoisoned").get(name).cloned();
        let version = kept.ok_or_else(|| rejected(name))?;
        self.note(Event::Restored(name.to_string()));
        Ok(serves(version))
    }

    async fn remove(&self, name: &Name) {
        self.note(Event::Removed(name.to_string()));
    }

    async fn act(&self, name: &Name, _: Action) -> Result<bool, ActError> {
        Err(ActError::Unknown(name.clone()))
    }

    async fn reconsider(&self, _: &Name) -> Result<Option<String>, Rejected> {
        Ok(None)
    }

    fn serving(&self) -> Vec<Name> {
        Vec::new()
    }

    fn standings(&self) -> Vec<(Name, Standing)> {
        let kept = self.kept.lock().expect("unpoisoned");
        let stand = kept.iter().map(|(name, version)| {
            let current = Some(version.clone());
            let standing = Standing {
                current,
                ..Standing::default()
            };
            (name.clone(), standing)
        });
        stand.collect()
    }

    fn standing(&self, _: &str) -> Option<Standing> {
        None
    }
}

fn serves(version: String) -> Installed {
    Installed {
        version,
        changed: true,
        serving: true,
        held: None,
    }
}

impl Serving for Scripted {
    async fn set_serving(&self, plugin: &Name, serving: bool) {
        self.note(Event::Serving(plugin.to_string(), serving));
    }
}
