//! Plugins that go on when the test lets them, and note what becomes of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio::sync::{Semaphore, watch};
use wasmill_model::{Millis, Name};
use wasmill_port::candidate::{Candidate, Candidates, Ended, Figures, Plan, Trial};
use wasmill_port::plugins::{ActError, Action, File, Installed, Rejected, Remedy, Standing};
use wasmill_port::{Clock, Plugins};

use crate::plugins::{Serving, Supervisor};

/// What happened, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    Began(&'static str),
    Acted(Action),
    Installed,
    Dismissed,
    Serving(bool),
}

/// The only plugin, `p`, whose canary is what the test says.
pub(super) struct Scripted {
    events: watch::Sender<Vec<Event>>,
    /// A permit for each thing that may go on.
    pub(super) gate: Semaphore,
    candidate: Mutex<Option<Candidate>>,
    trials: Mutex<u64>,
}

impl Scripted {
    pub(super) fn new(permits: usize) -> Arc<Self> {
        Arc::new(Self {
            events: watch::Sender::default(),
            gate: Semaphore::new(permits),
            candidate: Mutex::default(),
            trials: Mutex::default(),
        })
    }

    fn note(&self, event: Event) {
        self.events.send_modify(|events| events.push(event));
    }

    pub(super) fn events(&self) -> Vec<Event> {
        self.events.borrow().clone()
    }

    /// Begins something that takes until the test lets it go on.
    async fn begin(&self, what: &'static str) {
        self.note(Event::Began(what));
        let permit = self.gate.acquire().await;
        permit.expect("the gate stays open").forget();
    }

    pub(super) async fn until(&self, event: Event) {
        let mut events = self.events.subscribe();
        let seen = events.wait_for(|events| events.contains(&event)).await;
        seen.expect("the plugins are there");
    }

    /// What both versions of the canary have handled.
    pub(super) fn handled(&self, messages: u64) {
        let mut candidate = self.candidate.lock().expect("unpoisoned");
        let Some(Candidate { trial, .. }) = &mut *candidate else {
            panic!("nothing is on trial")
        };
        let Trial::Canary { candidate, .. } = trial else {
            panic!("it is a shadow")
        };
        candidate.messages = messages;
    }

    pub(super) fn supervisor(self: &Arc<Self>) -> Arc<Supervisor<Self, Self>> {
        let supervisor = Supervisor::new(self.clone(), self.clone(), Arc::new(Stopped));
        Arc::new(supervisor)
    }
}

impl Plugins for Scripted {
    type Prepared = ();

    async fn prepare(&self, name: &Name, file: File<'_>) -> Result<(), Rejected> {
        self.begin("prepare").await;
        assert_ne!(file.component, b"panic", "the compiler has a bug");
        if file.component != b"good" {
            return Err(Rejected {
                plugin: name.clone(),
                reason: "it is not good".to_owned(),
                remedy: Remedy::File,
            });
        }
        Ok(())
    }

    async fn take(&self, (): ()) -> Result<Installed, Rejected> {
        self.begin("take").await;
        self.note(Event::Installed);
        Ok(Installed {
            version: "good".to_owned(),
            changed: true,
            serving: true,
            held: None,
        })
    }

    async fn dismiss(&self, _: &Name) {
        self.note(Event::Dismissed);
    }

    async fn restore(&self, name: &Name) -> Result<Installed, Rejected> {
        panic!("nothing restores `{name}`")
    }

    async fn remove(&self, name: &Name) {
        panic!("nothing removes `{name}`")
    }

    async fn act(&self, _: &Name, action: Action) -> Result<bool, ActError> {
        self.begin("act").await;
        let serves = action != Action::Disable;
        self.note(Event::Acted(action));
        Ok(serves)
    }

    async fn reconsider(&self, _: &Name) -> Result<Option<String>, Rejected> {
        Ok(None)
    }

    fn behind(&self) -> Vec<Name> {
        Vec::new()
    }

    async fn catch_up(&self, _: &Name) {}

    async fn damages(&self, _: &Name) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    fn serving(&self) -> Vec<Name> {
        vec!["p".into()]
    }

    fn standings(&self) -> Vec<(Name, Standing)> {
        vec![("p".into(), Standing::default())]
    }

    fn standing(&self, name: &str) -> Option<Standing> {
        (name == "p").then(Standing::default)
    }
}

impl Candidates for Scripted {
    async fn try_version(
        &self,
        plugin: &Name,
        version: &str,
        plan: Plan,
    ) -> Result<Candidate, ActError> {
        self.begin("try").await;
        let Plan::Canary(plan) = plan else {
            panic!("it is a shadow")
        };
        let since = {
            let mut trials = self.trials.lock().expect("unpoisoned");
            *trials += 1;
            Millis(*trials)
        };
        let candidate = Candidate {
            plugin: plugin.clone(),
            version: version.to_owned(),
            running: "old".to_owned(),
            since,
            ended: None,
            trial: Trial::Canary {
                until: since + plan.window,
                plan,
                running: Figures::default(),
                candidate: Figures::default(),
            },
        };
        *self.candidate.lock().expect("unpoisoned") = Some(candidate.clone());
        Ok(candidate)
    }

    fn candidate(&self, _: &str) -> Option<Candidate> {
        self.candidate.lock().expect("unpoisoned").clone()
    }

    fn end_trial(&self, _: &str, ended: Ended) -> bool {
        let mut candidate = self.candidate.lock().expect("unpoisoned");
        let under_way = candidate.as_mut().filter(|it| it.ended.is_none());
        under_way.is_some_and(|it| it.ended.replace(ended).is_none())
    }
}

impl Serving for Scripted {
    async fn set_serving(&self, _: &Name, serving: bool) {
        self.note(Event::Serving(serving));
    }
}

pub(super) struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Millis {
        Millis(0)
    }

    fn raise(&self, _: Millis) {}
}
