//! A plugin on trial: loaded once, and played as often as it takes.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::runtime::{self, Runtime};
use wasmill_model::routes::Subscription;
use wasmill_model::{Name, Routes, Start};
use wasmill_port::Plugins;
use wasmill_wasm::{Config, Registry, Surroundings};

use crate::bench::{self, Bench};
use crate::clock::VirtualClock;
use crate::crash::{self, Crashes};
use crate::error::Error;
use crate::play::Play;
use crate::report::Report;
use crate::scenario::{Deed, Scenario};
use crate::stage::Cast;
use crate::watch::{Prepared, Watch};

/// A plugin, its scenario, and the host in memory that they meet on.
pub struct Trial {
    cast: Cast,
    scenario: Scenario,
    routes: Arc<Routes>,
    files: PathBuf,
    runtime: Runtime,
}

impl Trial {
    /// Loads `component` as the plugin `name` of `routes`. `data` is an empty directory for the
    /// trial alone: for the plugin's files, and what is compiled.
    ///
    /// # Errors
    /// [`Error`] if the plugin does not load, the routes do not name it, or a step sends what it never
    /// gets.
    pub fn new(
        name: &str,
        component: &[u8],
        scenario: Scenario,
        routes: &Routes,
        data: PathBuf,
    ) -> Result<Self, Error> {
        let plugin = Name::from(name);
        if !has_part(&plugin, routes) {
            return Err(Error::NotRouted(name.to_owned()));
        }
        check_topics(&plugin, &scenario, routes)?;
        let routes = Arc::new(from_the_start(routes));
        let (clock, watch) = (Arc::new(VirtualClock::new()), Arc::new(Watch::default()));
        let surroundings = Surroundings {
            probe: Some(watch.clone()),
            http: Some(Arc::new(Prepared(watch.clone()))),
            same_random: true,
        };
        let files = data.join("files").join(name);
        let config = Config {
            surroundings,
            ..Config::new(data)
        };
        let registry = Registry::new(config, clock.clone(), routes.clone())?;
        // One thread: what is done at the same time elsewhere is done in one order here.
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let installed = runtime.block_on(registry.install(&plugin, component.into()))?;
        if let Some(held) = installed.held {
            return Err(Error::Held(held.reasons.join("; ")));
        }
        Ok(Self {
            cast: Cast {
                plugin,
                registry,
                clock,
                watch,
            },
            scenario,
            routes,
            files,
            runtime,
        })
    }

    /// Plays the scenario, and compares what comes of it with what is to.
    ///
    /// # Errors
    /// [`Error`] if it cannot be played to its end.
    pub fn run(&self) -> Result<Report, Error> {
        let mut report = Report::default();
        let run = self.play(&self.routes);
        let run = run.run(None, |played| report.add(&self.cast.plugin, &played));
        self.runtime.block_on(run)?;
        Ok(report)
    }

    /// Plays the scenario once for each place at which the host may die, and tells what differs from
    /// a run without a crash. `progress` is told how many places of how many are done.
    ///
    /// # Errors
    /// [`Error`] if it cannot be played to its end, differs from run to run by itself, or has too many
    /// places.
    pub fn crash_points(&self, progress: impl FnMut(u64, u64)) -> Result<Crashes, Error> {
        let play = self.play(&self.routes);
        self.runtime.block_on(crash::all(&play, progress))
    }

    /// Plays the scenario `repetitions` times, in instances that are reused and in fresh ones, and
    /// tells what a message takes.
    ///
    /// # Errors
    /// [`Error`] if it cannot be played to its end.
    pub fn bench(&self, repetitions: u32) -> Result<Bench, Error> {
        let fresh = Arc::new(bench::with_fresh_instances(&self.routes, &self.cast.plugin));
        self.runtime.block_on(async {
            let mut bench = Bench::default();
            for (routes, instances) in [(&self.routes, "reused"), (&fresh, "fresh")] {
                bench::measure(&self.play(routes), repetitions, instances, &mut bench).await?;
            }
            Ok(bench)
        })
    }

    fn play<'a>(&'a self, routes: &'a Arc<Routes>) -> Play<'a> {
        Play {
            cast: &self.cast,
            scenario: &self.scenario,
            routes,
            files: self.files.clone(),
        }
    }
}

/// The same routes, where every subscription gets what is sent from now on: the log is empty, so
/// there is nothing before.
fn from_the_start(routes: &Routes) -> Routes {
    routes.map_subscriptions(|it| Subscription {
        start: Start::Last,
        ..it.clone()
    })
}

/// Whether the routes name the plugin.
fn has_part(plugin: &Name, routes: &Routes) -> bool {
    let mut gates = routes.ingress.iter().filter_map(|it| it.gate.as_ref());
    let mut queries = routes.queries.iter().map(|it| &it.plugin);
    let mut subscribers = routes.subscriptions().map(|it| &it.plugin);
    gates.any(|it| it == plugin)
        || queries.any(|it| it == plugin)
        || subscribers.any(|it| it == plugin)
}

/// Every message that is sent is to reach the plugin: one with a wrong topic would show nothing.
fn check_topics(plugin: &Name, scenario: &Scenario, routes: &Routes) -> Result<(), Error> {
    for step in &scenario.steps {
        let Deed::Send(send) = &step.deed else {
            continue;
        };
        let mut own = routes.subscriptions().filter(|it| it.plugin == *plugin);
        // Of a topic that is not declared the host tells.
        if routes.declares(&send.topic) && !own.any(|it| it.topic.matches(&send.topic)) {
            return Err(Error::Unheard {
                line: step.line,
                topic: send.topic.to_string(),
                plugin: plugin.to_string(),
            });
        }
    }
    Ok(())
}
