//! Plays a scenario once, with or without a crash on the way.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use wasmill_engine::Incoming;
use wasmill_model::routes::PluginSettings;
use wasmill_model::{MessageId, Millis, Name, Routes, When};
use wasmill_port::Clock;

use crate::error::Error;
use crate::ledger::{Ledger, Sent};
use crate::scenario::{Deed, Scenario, Send, Step};
use crate::stage::{Cast, Handling, Stage, Stop};
use crate::watch::Seen;

/// What a run of a scenario needs.
pub(crate) struct Play<'a> {
    pub(crate) cast: &'a Cast,
    pub(crate) scenario: &'a Scenario,
    pub(crate) routes: &'a Arc<Routes>,
    /// The plugin's own directory, if it is granted one.
    pub(crate) files: PathBuf,
}

/// A step that was played.
pub(crate) struct Played<'a> {
    pub(crate) step: &'a Step,
    /// When it began.
    pub(crate) at: Millis,
    pub(crate) handlings: &'a [Handling],
    pub(crate) sent: &'a [Sent],
    /// How all stands after it.
    pub(crate) ledger: &'a Ledger,
    pub(crate) now: Millis,
}

/// How a run ended.
pub(crate) struct Ended {
    pub(crate) handlings: Vec<Handling>,
    pub(crate) ledger: Ledger,
    /// What the plugin's directory holds, by path.
    pub(crate) files: BTreeMap<PathBuf, Vec<u8>>,
    /// How the host died, if it did.
    pub(crate) death: Option<Death>,
}

/// The host's death.
pub(crate) struct Death {
    /// What the call under way had done.
    pub(crate) seen: Seen,
    /// Which message it handled, of which subscription.
    pub(crate) message: MessageId,
    pub(crate) subscription: Name,
    /// How many messages had been handled before.
    pub(crate) after: usize,
}

/// A run under way.
struct Run<'a> {
    play: &'a Play<'a>,
    // Taken only while the host is started again.
    stage: Option<Stage>,
    routes: Arc<Routes>,
    death: Option<Death>,
}

impl Play<'_> {
    /// Plays all steps, and shows each to `look`. The host dies at the place `die_at`, if any.
    pub(crate) async fn run(
        &self,
        die_at: Option<u64>,
        mut look: impl FnMut(Played<'_>),
    ) -> Result<Ended, Error> {
        let Cast {
            registry,
            clock,
            watch,
            ..
        } = self.cast;
        clear(&self.files)?;
        clock.set(self.scenario.start);
        watch.begin(die_at);
        registry.set_routes(self.routes.clone());
        registry.renew();
        let mut run = Run {
            play: self,
            stage: Some(Stage::open(self.cast, self.routes)?),
            routes: self.routes.clone(),
            death: None,
        };
        for step in &self.scenario.steps {
            let (handled, sent) = {
                let stage = run.stage();
                (stage.handlings.len(), stage.ledger.sent.len())
            };
            let at = clock.now();
            let answers = step.http.iter().chain(&self.scenario.http);
            watch.answer_with(answers.cloned().collect());
            run.step(step).await?;
            let stage = run.stage();
            look(Played {
                step,
                at,
                handlings: &stage.handlings[handled..],
                sent: &stage.ledger.sent[sent..],
                ledger: &stage.ledger,
                now: clock.now(),
            });
        }
        let death = run.death.take();
        let stage = run.stage.take().expect("it was started");
        Ok(Ended {
            handlings: stage.handlings,
            ledger: stage.ledger,
            files: files(&self.files)?,
            death,
        })
    }
}

impl Run<'_> {
    fn stage(&mut self) -> &mut Stage {
        self.stage.as_mut().expect("it was started")
    }

    async fn step(&mut self, step: &Step) -> Result<(), Error> {
        match &step.deed {
            Deed::Send(send) => {
                let taken = self.stage().accept(incoming(send))?;
                taken.map_err(|why| Error::Refused {
                    line: step.line,
                    why,
                })?;
                self.settle().await
            }
            Deed::Advance(span) => {
                let clock = self.play.cast.clock.clone();
                let end = clock.now() + *span;
                // Each time on the way at which something is due has its turn.
                while let Some(due) = self.stage().ledger.next_due(clock.now())
                    && due <= end
                {
                    clock.raise(due);
                    self.settle().await?;
                }
                clock.raise(end);
                self.settle().await
            }
            Deed::Config(values) => self.configure(values),
        }
    }

    /// Gives the plugin's config other values.
    fn configure(&mut self, values: &BTreeMap<String, String>) -> Result<(), Error> {
        let plugin = &self.play.cast.plugin;
        let mut settings = PluginSettings::clone(&self.routes.plugin(plugin));
        settings.config.extend(values.clone());
        let mut routes = Routes::clone(&self.routes);
        routes.plugins.insert(plugin.clone(), Arc::new(settings));
        self.routes = Arc::new(routes);
        self.play.cast.registry.set_routes(self.routes.clone());
        let routes = self.routes.clone();
        self.stage().set_routes(&routes)
    }

    /// Does all that there is to be done now, beyond the host's death.
    async fn settle(&mut self) -> Result<(), Error> {
        let cast = self.play.cast;
        loop {
            match self.stage().settle(cast).await {
                Ok(()) => return Ok(()),
                Err(Stop::Failed(error)) => return Err(error),
                Err(Stop::Died {
                    seen,
                    message,
                    subscription,
                }) => {
                    let stage = self.stage.take().expect("it was started");
                    self.death = Some(Death {
                        seen,
                        message,
                        subscription,
                        after: stage.handlings.len(),
                    });
                    cast.registry.renew();
                    cast.watch.revive();
                    self.stage = Some(stage.restart(cast)?);
                }
            }
        }
    }
}

fn incoming(send: &Send) -> Incoming {
    let delay = send
        .delay
        .map(|it| u64::try_from(it.as_millis()).unwrap_or(u64::MAX));
    Incoming {
        topic: send.topic.clone(),
        key: send.key.clone(),
        tag: send.tag.clone(),
        headers: send.headers.clone(),
        body: send.body.clone(),
        producer_id: None,
        deliver: delay.map_or(When::Now, When::After),
        half: None,
        watch: false,
    }
}

/// Makes the plugin's directory empty.
fn clear(directory: &Path) -> Result<(), Error> {
    match std::fs::remove_dir_all(directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(std::fs::create_dir_all(directory)?),
    }
}

/// The files below a directory, by their paths there.
fn files(directory: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>, Error> {
    let mut found = BTreeMap::new();
    let mut open = vec![PathBuf::new()];
    while let Some(below) = open.pop() {
        for entry in std::fs::read_dir(directory.join(&below))? {
            let entry = entry?;
            let path = below.join(entry.file_name());
            match entry.file_type()? {
                kind if kind.is_dir() => open.push(path),
                kind if kind.is_file() => {
                    let bytes = std::fs::read(entry.path())?;
                    found.insert(path, bytes);
                }
                // What a link names is not in the directory.
                _ => {}
            }
        }
    }
    Ok(found)
}
