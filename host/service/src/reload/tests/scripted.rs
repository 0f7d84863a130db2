//! Plugins by script: no component is compiled.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Semaphore, watch};
use wasmill_model::Name;
use wasmill_port::Plugins;
use wasmill_port::plugins::{
    ActError, Action, File as Dropped, Installed, Rejected, Remedy, Standing,
};

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
pub(super) struct Scripted {
    events: Mutex<Vec<Event>>,
    kept: Mutex<BTreeMap<Name, String>>,
    unwritten: Mutex<BTreeSet<Name>>,
    /// Nothing can be written down.
    pub(super) full: AtomicBool,
    /// All plugins are disabled.
    pub(super) disabled: AtomicBool,
    /// The routes trust what is unsigned.
    pub(super) trusted: AtomicBool,
    /// How many files were given to the compiler that take long.
    pub(super) compiling: watch::Sender<usize>,
    /// A permit for each of these that may be ready.
    pub(super) compiled: Semaphore,
}

impl Default for Scripted {
    fn default() -> Self {
        Self {
            events: Mutex::default(),
            kept: Mutex::default(),
            unwritten: Mutex::default(),
            full: AtomicBool::default(),
            disabled: AtomicBool::default(),
            trusted: AtomicBool::default(),
            compiling: watch::Sender::default(),
            compiled: Semaphore::new(0),
        }
    }
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

fn rejected(plugin: &Name, reason: &str, remedy: Remedy) -> Rejected {
    Rejected {
        plugin: plugin.clone(),
        reason: reason.to_owned(),
        remedy,
    }
}

impl Plugins for Scripted {
    type Prepared = (Name, String);

    async fn prepare(&self, name: &Name, file: Dropped<'_>) -> Result<(Name, String), Rejected> {
        let text = String::from_utf8_lossy(file.component).into_owned();
        assert!(!text.starts_with("panic"), "the compiler has a bug");
        if text.contains("slow") {
            self.compiling.send_modify(|count| *count += 1);
            let permit = self.compiled.acquire().await;
            permit.expect("the gate stays open").forget();
        }
        Ok((name.clone(), text))
    }

    async fn take(&self, (name, text): (Name, String)) -> Result<Installed, Rejected> {
        if self.full.load(Ordering::SeqCst) {
            self.note(Event::Waits(name.to_string(), text));
            return Err(rejected(&name, "the disk is full", Remedy::Storage));
        }
        if text.contains("unsigned") && !self.trusted.load(Ordering::SeqCst) {
            self.note(Event::Refused(name.to_string(), text));
            return Err(rejected(&name, "it is not signed", Remedy::Routes));
        }
        if !(text.starts_with("good") && text.ends_with('.')) {
            self.note(Event::Refused(name.to_string(), text));
            return Err(rejected(&name, "it is not good", Remedy::File));
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
        let version = kept.ok_or_else(|| rejected(name, "nothing is kept", Remedy::File))?;
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
