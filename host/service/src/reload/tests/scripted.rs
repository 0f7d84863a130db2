//! Plugins by script: no component is compiled.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

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
    Waits(String, String),
    Written(String),
    Serving(String, bool),
}

/// Plugins that only note what becomes of them.
#[derive(Default)]
pub(super) struct Scripted {
    events: Mutex<Vec<Event>>,
    kept: Mutex<BTreeMap<Name, String>>,
    unwritten: Mutex<BTreeSet<Name>>,
    /// Nothing can be written down.
    pub(super) full: AtomicBool,
    /// All plugins are disabled.
    pub(super) disabled: AtomicBool,
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
        waits: false,
    }
}

impl Plugins for Scripted {
    async fn install(&self, name: &Name, file: Dropped<'_>) -> Result<Installed, Rejected> {
        let text = String::from_utf8_lossy(file.component).into_owned();
        assert!(!text.starts_with("panic"), "the compiler has a bug");
        if self.full.load(Ordering::SeqCst) {
            self.note(Event::Waits(name.to_string(), text));
            let waits = true;
            let reason = "the disk is full".to_owned();
            let plugin = name.clone();
            return Err(Rejected {
                plugin,
                reason,
                waits,
            });
        }
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
        Ok(Installed {
            serving: !self.disabled.load(Ordering::SeqCst),
            ..serves(version)
        })
    }

    async fn remove(&self, name: &Name) {
        self.note(Event::Removed(name.to_string()));
        if self.full.load(Ordering::SeqCst) {
            let mut unwritten = self.unwritten.lock().expect("unpoisoned");
            unwritten.insert(name.clone());
        }
    }

    fn behind(&self) -> Vec<Name> {
        let unwritten = self.unwritten.lock().expect("unpoisoned");
        unwritten.iter().cloned().collect()
    }

    async fn catch_up(&self, name: &Name) {
        if !self.full.load(Ordering::SeqCst) {
            self.unwritten.lock().expect("unpoisoned").remove(name);
            self.note(Event::Written(name.to_string()));
        }
    }

    async fn damages(&self, _: &Name) -> BTreeMap<String, String> {
        BTreeMap::new()
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

    fn standing(&self, name: &str) -> Option<Standing> {
        let kept = self.kept.lock().expect("unpoisoned");
        let disabled = self.disabled.load(Ordering::SeqCst);
        kept.get(name).map(|version| Standing {
            current: Some(version.clone()),
            serving: !disabled,
            disabled,
            ..Standing::default()
        })
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
