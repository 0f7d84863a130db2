//! Plays a scenario once, with or without a crash on the way.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use wasmill_engine::Incoming;
use wasmill_model::routes::PluginSettings;
use wasmill_model::{Millis, Routes, When};
use wasmill_port::Clock;

use crate::error::Error;
use crate::ledger::{Ledger, Sent};
use crate::routing;
use crate::scenario::{Deed, Scenario, Send, Step};
use crate::stage::{Answered, Called, Cast, Handling, Stage, Stop};
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
    /// What a request, or a question, was answered with.
    pub(crate) answer: Option<&'a Answered>,
    pub(crate) handlings: &'a [Handling],
    pub(crate) sent: &'a [Sent],
    /// How all stands after it.
    pub(crate) ledger: &'a Ledger,
    pub(crate) now: Millis,
}

impl Played<'_> {
    /// What was seen of all that the plugin was called with.
    pub(crate) fn seen(&self) -> impl Iterator<Item = &Seen> {
        let answered = self.answer.iter().map(|it| &*it.seen);
        answered.chain(self.handlings.iter().map(|it| &*it.seen))
    }
}

/// How a run ended.
pub(crate) struct Ended {
    pub(crate) handlings: Vec<Handling>,
    /// All calls of the plugin. That at which the host died, if it did, was cut short.
    pub(crate) calls: Vec<Called>,
    /// What requests and questions were answered with, and the lines of their steps.
    pub(crate) answers: Vec<(usize, Answered)>,
    pub(crate) ledger: Ledger,
    /// What the plugin's directory holds, by path.
    pub(crate) files: BTreeMap<PathBuf, Vec<u8>>,
}

/// A run under way.
struct Run<'a> {
    play: &'a Play<'a>,
    // Taken only while the host is started again.
    stage: Option<Stage>,
    routes: Arc<Routes>,
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
            stage: Some(Stage::open(self.cast, self.routes, &self.scenario.states)?),
            routes: self.routes.clone(),
        };
        let mut given = Vec::new();
        for step in &self.scenario.steps {
            let (handled, sent) = {
                let stage = run.stage();
                stage.begin_step();
                (stage.played.handlings.len(), stage.ledger.sent.len())
            };
            let at = clock.now();
            let answers = step.http.iter().chain(&self.scenario.http);
            watch.answer_with(answers.cloned().collect());
            let answer = run.step(step).await?;
            let stage = run.stage();
            look(Played {
                step,
                at,
                answer: answer.as_ref(),
                handlings: &stage.played.handlings[handled..],
                sent: &stage.ledger.sent[sent..],
                ledger: &stage.ledger,
                now: clock.now(),
            });
            given.extend(answer.map(|answer| (step.line, answer)));
        }
        let stage = run.stage.take().expect("it was started");
        Ok(Ended {
            handlings: stage.played.handlings,
            calls: stage.played.calls,
            answers: given,
            ledger: stage.ledger,
            files: files(&self.files)?,
        })
    }
}

impl Run<'_> {
    fn stage(&mut self) -> &mut Stage {
        self.stage.as_mut().expect("it was started")
    }

    /// Does what the step says, and all that comes of it; tells what was answered.
    async fn step(&mut self, step: &Step) -> Result<Option<Answered>, Error> {
        let cast = self.play.cast;
        let mut answer = None;
        match &step.deed {
            Deed::Send(send) => {
                let taken = self.stage().take_in(incoming(send))?;
                taken.map_err(|why| Error::Refused {
                    line: step.line,
                    why: why.to_string(),
                })?;
            }
            Deed::Request(request) => {
                let found = routing::find(&self.routes, request);
                let found = found.map_err(|why| Error::NoRoute {
                    line: step.line,
                    why,
                })?;
                answer = Some(self.stage().request(cast, found).await?);
            }
            Deed::Query(query) => answer = Some(self.stage().query(cast, query).await),
            Deed::Advance(span) => self.advance(*span).await?,
            Deed::Config(values) => self.configure(values)?,
        }
        self.settle().await?;
        Ok(answer)
    }

    /// Each time on the way at which something is due has its turn.
    async fn advance(&mut self, span: Duration) -> Result<(), Error> {
        let clock = self.play.cast.clock.clone();
        let end = clock.now() + span;
        // Only now is it known when the schedules of routes that are new run first.
        self.settle().await?;
        while let Some(due) = self.stage().ledger.next_due(clock.now())
            && due <= end
        {
            self.stage().take_turn()?;
            clock.raise(due);
            self.settle().await?;
        }
        clock.raise(end);
        Ok(())
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
                Err(Stop::Died) => {
                    let stage = self.stage.take().expect("it was started");
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
