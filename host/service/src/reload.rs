//! Keeps the plugins in service the same as the files in a directory.
//!
//! A new or changed file is installed once it is whole; what does not load is refused and the old
//! version stays; a removed file pauses its subscriptions. Watching is by notification, with a
//! slow poll beside it for file systems that notify of nothing.

mod changes;
mod load;
mod look;
mod metrics;
mod settle;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;
use wasmill_model::Name;
use wasmill_port::Plugins;

use crate::plugins::{Serving, Supervisor};
use load::{Brought, Job, Loaded, Loader};
pub use load::{FILE_BYTES_MAX, SIGNATURE_BYTES_MAX};
pub use look::signature_of;
use look::{Look, Seen, Stamps};

pub use changes::Changes;
pub use metrics::Metrics;
pub use settle::{Settle, Stamp, Verdict};

/// Longest pause before a file is tried again that the data directory does not allow: what is written
/// in vain takes room from everything else.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// How a directory is watched.
#[derive(Clone, Debug)]
pub struct Config {
    /// The directory. Its `NAME.wasm` are the plugins.
    pub directory: PathBuf,
    /// How long a file must stay as it is before it counts as whole, unless it was moved here.
    pub quiet: Duration,
    /// How often to look when nothing notifies of changes, and to try again what waits.
    pub poll: Duration,
    /// How long the start may wait for files that are being written.
    pub start_wait_max: Duration,
}

impl Config {
    /// The defaults for a directory.
    #[must_use]
    pub fn new(directory: PathBuf) -> Self {
        let [quiet, poll, start_wait_max] = [150, 2_000, 5_000].map(Duration::from_millis);
        Self {
            directory,
            quiet,
            poll,
            start_wait_max,
        }
    }
}

/// The directory cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("plugins directory {}: {cause}; create it or name another", directory.display())]
pub struct Error {
    directory: PathBuf,
    cause: io::Error,
}

/// A directory that is being watched, until this is stopped or dropped.
#[derive(Debug)]
pub struct Reload {
    stop: watch::Sender<bool>,
    tasks: [JoinHandle<()>; 2],
}

impl Reload {
    /// Stops watching. What is being put into service is so first; what is being compiled is not.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "the watch of the plugins directory ended badly");
            }
        }
    }
}

/// Installs every plugin in the directory, and then watches it. A file that does not load, or is
/// half written, is replaced by the version that loaded last, if one was kept.
///
/// # Errors
/// [`Error`] if the directory cannot be read. A directory that becomes unreadable later leaves
/// everything as it is.
pub async fn start<P: Plugins, S: Serving>(
    config: Config,
    supervisor: Arc<Supervisor<P, S>>,
    metrics: Metrics,
) -> Result<Reload, Error> {
    // Watched before the first look, so that no change falls between the two.
    let changes = Changes::watch(&config.directory);
    let routes = supervisor.routes();
    let loader = Arc::new(Loader {
        supervisor,
        metrics,
    });
    let mut watcher = Watcher {
        config,
        changes,
        loader,
        known: BTreeMap::new(),
        jobs: JoinSet::new(),
        routes,
        odd: HashSet::new(),
        unreadable: false,
    };
    watcher.load_all().await?;
    watcher.restore_unloaded().await;
    watcher.remove_absent().await;
    let (stop, stopped) = watch::channel(false);
    let (supervisor, poll) = (watcher.loader.supervisor.clone(), watcher.config.poll);
    let tasks = [
        tokio::spawn(catch_up(supervisor, poll, stopped.clone())),
        tokio::spawn(watcher.run(stopped)),
    ];
    Ok(Reload { stop, tasks })
}

/// Does again, now and then, what the data directory did not allow. Apart from the watch, which waits
/// for nothing that is under way.
async fn catch_up<P: Plugins, S: Serving>(
    supervisor: Arc<Supervisor<P, S>>,
    poll: Duration,
    mut stopped: watch::Receiver<bool>,
) {
    while tokio::time::timeout(poll, stopped.wait_for(|stopped| *stopped))
        .await
        .is_err()
    {
        supervisor.catch_up().await;
    }
}

struct Watcher<P, S> {
    config: Config,
    changes: Changes,
    loader: Arc<Loader<P, S>>,
    known: BTreeMap<Name, Known>,
    jobs: JoinSet<(Name, Loaded)>,
    /// How often the routes have changed.
    routes: watch::Receiver<u64>,
    /// Files whose names no plugin can have, reported once.
    odd: HashSet<String>,
    unreadable: bool,
}

/// What is known of a plugin's file.
#[derive(Default)]
struct Known {
    settle: Settle<Seen>,
    /// A job of it is under way, which this tells that it is for nothing. What else changes is looked at
    /// when the job ends.
    busy: Option<watch::Sender<bool>>,
    /// The content that was brought last, and installed or refused.
    brought: Option<Brought>,
    /// Why it could neither be installed nor refused, after which pause and when it is tried again.
    waits: Option<(String, Duration, Instant)>,
    /// A job of it has ended: before, the kept version serves if the file is not taken.
    started: bool,
}

impl<P: Plugins, S: Serving> Watcher<P, S> {
    /// Tries every file once.
    async fn load_all(&mut self) -> Result<(), Error> {
        let deadline = Instant::now() + self.config.start_wait_max;
        loop {
            let look = Look::take(self.config.directory.clone()).await;
            let look = look.map_err(|cause| {
                let directory = self.config.directory.clone();
                Error { directory, cause }
            })?;
            let waits = self.begin_jobs(look, true);
            if !self.jobs.is_empty() {
                tracing::info!(
                    count = self.jobs.len(),
                    "loading plugins before requests are served: new code is compiled first"
                );
            }
            while let Some(done) = self.jobs.join_next().await {
                self.end_job(done);
            }
            if !waits || Instant::now() >= deadline {
                return Ok(());
            }
            self.changes.wait(self.config.quiet).await;
        }
    }

    /// Has the kept versions serve of those whose files are not whole yet.
    async fn restore_unloaded(&mut self) {
        let unloaded = self.known.iter_mut().filter(|(_, known)| !known.started);
        for (name, known) in unloaded {
            self.loader.restore(name).await;
            known.started = true;
        }
    }

    /// Removes plugins whose files went while the host was down.
    async fn remove_absent(&self) {
        for name in self.loader.supervisor.present() {
            if !self.known.contains_key(&name) {
                self.loader.remove(&name).await;
            }
        }
    }

    async fn run(mut self, mut stopped: watch::Receiver<bool>) {
        loop {
            let waits = match Look::take(self.config.directory.clone()).await {
                Ok(look) => {
                    self.unreadable = false;
                    self.begin_jobs(look, false)
                }
                Err(error) => self.report_unreadable(&error),
            };
            let pause = if waits {
                self.config.quiet
            } else {
                self.config.poll
            };
            tokio::select! {
                Some(done) = self.jobs.join_next() => self.end_job(done),
                () = self.changes.wait(pause) => {}
                // It ends only with the supervisor, which is this watch's as well.
                Ok(()) = self.routes.changed() => {}
                // An error means that the handle is gone, which is a stop as well.
                _ = stopped.wait_for(|stopped| *stopped) => break,
            }
        }
        for job in self.known.values().filter_map(|known| known.busy.as_ref()) {
            job.send_replace(true);
        }
        while self.jobs.join_next().await.is_some() {}
    }

    /// Begins what the look asks for. True if a file is not settled yet.
    fn begin_jobs(&mut self, look: Look, starting: bool) -> bool {
        let moved = self.changes.take_moved();
        for name in look.odd {
            if self.odd.insert(name.clone()) {
                tracing::error!(
                    file = name,
                    "this cannot be a plugin: it needs a plugin's name and to be a readable file"
                );
            }
        }
        for name in look.files.keys() {
            self.known.entry(name.clone()).or_default();
        }
        let (now, mut waits) = (Instant::now(), false);
        let routes = *self.routes.borrow_and_update();
        for (name, known) in &mut self.known {
            let seen = look.files.get(name).copied();
            if let Some(job) = &known.busy {
                if seen.is_none() {
                    job.send_replace(true);
                }
                continue;
            }
            if known.brought.is_some_and(|it| it.may_come_in(routes)) {
                (known.settle, known.brought) = (Settle::default(), None);
            }
            let path = self.config.directory.join(format!("{name}.wasm"));
            // Files moved here are whole. Those that were here long before the start are, too.
            let is = |what: &dyn Fn(Stamps) -> bool| seen.is_some_and(|it| it.is_ok_and(what));
            let arrived = moved.contains(&path) && is(&|it| !it.linked);
            let aged = starting && is(&|it| it.age() >= self.config.quiet);
            match known
                .settle
                .look(now, seen, arrived || aged, self.config.quiet)
            {
                Verdict::Unchanged => {}
                Verdict::Unsettled => waits = true,
                Verdict::Settled if known.waits.as_ref().is_some_and(|(.., at)| now < *at) => {}
                Verdict::Settled => {
                    let (busy, dropped) = watch::channel(false);
                    known.busy = Some(busy);
                    let job = Job {
                        name: name.clone(),
                        path,
                        seen,
                        brought: known.brought,
                        waited: known.waits.as_ref().map(|(why, ..)| why.clone()),
                        restore: !known.started,
                        dropped,
                    };
                    self.jobs.spawn(self.loader.clone().run(job));
                }
            }
        }
        waits
    }

    fn end_job(&mut self, done: Result<(Name, Loaded), tokio::task::JoinError>) {
        let (name, loaded) = match done {
            Ok(done) => done,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => return,
        };
        let Some(known) = self.known.get_mut(&name) else {
            return;
        };
        known.busy = None;
        match loaded {
            // Looked at again as if it had just changed.
            Loaded::Changing => known.settle = Settle::default(),
            Loaded::Done(brought) => {
                known.settle.acted();
                (known.started, known.brought, known.waits) = (true, brought, None);
            }
            Loaded::Waits(why) => {
                let pause = match known.waits.take() {
                    Some((_, before, _)) => (before * 2).min(WAIT_MAX),
                    None => self.config.poll,
                };
                let again = Instant::now() + pause;
                (known.started, known.waits) = (true, Some((why, pause, again)));
            }
            Loaded::Removed => drop(self.known.remove(&name)),
        }
    }

    /// Everything stays as it is: a directory that is gone for a moment, as a mount can be, is no
    /// order to stop all plugins.
    fn report_unreadable(&mut self, error: &io::Error) -> bool {
        if !std::mem::replace(&mut self.unreadable, true) {
            let directory = self.config.directory.display();
            tracing::error!(%directory, %error, "the plugins directory cannot be read; all plugins stay");
        }
        false
    }
}
