//! A real directory against scripted plugins: a file is good if it says so to its end.

mod odds;
mod scripted;
mod slow;

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::registry::Registry;
use tempfile::TempDir;

use super::{Config, Metrics, Reload, start};
use crate::SystemClock;
use crate::plugins::Supervisor;
use scripted::{Event, Scripted};

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// A watched directory.
struct Scene {
    directory: TempDir,
    plugins: Arc<Scripted>,
    metrics: Metrics,
}

impl Scene {
    fn new() -> Self {
        let directory = TempDir::new().expect("a directory");
        let metrics = Metrics::new(&mut Registry::default());
        Self {
            directory,
            plugins: Arc::default(),
            metrics,
        }
    }

    fn path(&self, file: &str) -> PathBuf {
        self.directory.path().join(file)
    }

    fn write(&self, file: &str, content: &str) {
        fs::write(self.path(file), content).expect("written");
    }

    /// Writes elsewhere and moves the file to its place.
    fn swap(&self, file: &str, content: &str) {
        self.write("incoming", content);
        fs::rename(self.path("incoming"), self.path(file)).expect("renamed");
    }

    fn supervisor(&self) -> Arc<Supervisor<Scripted, Scripted>> {
        let (plugins, clock) = (self.plugins.clone(), Arc::new(SystemClock::default()));
        Arc::new(Supervisor::new(plugins.clone(), plugins, clock))
    }

    async fn start(&self) -> Reload {
        self.start_with(self.supervisor()).await
    }

    async fn start_with(&self, supervisor: Arc<Supervisor<Scripted, Scripted>>) -> Reload {
        let quiet = Duration::from_millis(60);
        let poll = Duration::from_millis(500);
        let config = Config {
            quiet,
            poll,
            ..Config::new(self.directory.path().to_owned())
        };
        start(config, supervisor, self.metrics.clone())
            .await
            .expect("a directory to watch")
    }

    /// Waits until the events satisfy `expected`.
    async fn until(&self, what: &str, expected: impl Fn(&[Event]) -> bool) {
        let wait = async {
            while !expected(&self.plugins.events()) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, wait).await.is_err() {
            panic!("{what} did not happen: {:?}", self.plugins.events());
        }
    }

    async fn until_installed(&self, plugin: &str, content: &str) {
        let wanted = installed(plugin, content);
        self.until("an installation", |events| events.contains(&wanted))
            .await;
        // Not the last event: what becomes of other files goes on beside it.
        let resumed = |events: &[Event]| {
            let installed = events.iter().rposition(|event| *event == wanted);
            installed.is_some_and(|at| events[at..].contains(&serving(plugin, true)))
        };
        self.until("the resumption", resumed).await;
    }
}

fn installed(plugin: &str, content: &str) -> Event {
    Event::Installed(plugin.into(), content.into())
}

fn refused(plugin: &str, content: &str) -> Event {
    Event::Refused(plugin.into(), content.into())
}

fn serving(plugin: &str, serving: bool) -> Event {
    Event::Serving(plugin.into(), serving)
}

#[tokio::test]
async fn what_is_there_at_the_start_serves_before_the_start_returns() {
    let scene = Scene::new();
    scene.write("a.wasm", "good 1.");
    scene.write("b.wasm", "good 2.");
    scene.write("notes.txt", "good 3.");
    scene.write(".hidden.wasm", "good 4.");
    scene.write("no name.wasm", "good 5.");
    let reload = scene.start().await;
    let mut events = scene.plugins.events();
    events.sort_by_key(|event| format!("{event:?}"));
    let mut expected = vec![installed("a", "good 1."), installed("b", "good 2.")];
    expected.extend([serving("a", true), serving("b", true)]);
    assert_eq!(events, expected);
    reload.stop().await;
}

#[tokio::test]
async fn a_directory_that_is_not_there_is_an_error_with_a_remedy() {
    let scene = Scene::new();
    let config = Config::new(scene.path("none"));
    let error = start(config, scene.supervisor(), scene.metrics.clone())
        .await
        .expect_err("no directory");
    let text = error.to_string();
    assert!(text.starts_with("plugins directory /") && text.ends_with("create it or name another"));
}

#[tokio::test]
async fn a_file_moved_in_replaces_the_version_before() {
    let scene = Scene::new();
    scene.write("a.wasm", "good 1.");
    let _reload = scene.start().await;
    scene.swap("a.wasm", "good 2.");
    scene.until_installed("a", "good 2.").await;
}

#[tokio::test]
async fn a_file_that_makes_the_compiler_panic_is_refused_like_others() {
    let scene = Scene::new();
    scene.write("a.wasm", "good 1.");
    let _reload = scene.start().await;
    scene.swap("a.wasm", "panic.");
    scene.swap("b.wasm", "panic, too.");
    scene.swap("c.wasm", "good 2.");
    scene.until_installed("c", "good 2.").await;
    let dismissed = |plugin: &str| Event::Dismissed(plugin.into());
    let both = |events: &[Event]| ["a", "b"].iter().all(|it| events.contains(&dismissed(it)));
    scene.until("the dismissal of both", both).await;
    scene.swap("a.wasm", "good 3.");
    scene.until_installed("a", "good 3.").await;
}

#[tokio::test]
async fn a_file_written_in_pieces_is_never_installed_before_its_end() {
    let scene = Scene::new();
    let _reload = scene.start().await;
    let mut file = File::create(scene.path("a.wasm")).expect("created");
    // Every piece would be a good file by itself, if it were taken for the whole.
    for piece in ["good.", " more.", " and.", " end."] {
        file.write_all(piece.as_bytes()).expect("written");
        // Less than the quiet time: the writer is slow, not done.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    drop(file);
    scene.until_installed("a", "good. more. and. end.").await;
    assert_eq!(
        scene.plugins.events().len(),
        2,
        "{:?}",
        scene.plugins.events()
    );
}

#[tokio::test]
async fn a_writer_that_stalls_is_refused_once_and_taken_when_it_goes_on() {
    let scene = Scene::new();
    scene.write("a.wasm", "good 1.");
    let _reload = scene.start().await;
    scene.write("a.wasm", "good 2, half");
    scene
        .until("a refusal", |events| {
            events.contains(&refused("a", "good 2, half"))
        })
        .await;
    // Looked at again, and the same: nothing to say that was not said.
    scene.write("b.wasm", "good b.");
    scene.until_installed("b", "good b.").await;
    scene.write("a.wasm", "good 2, half and whole.");
    scene.until_installed("a", "good 2, half and whole.").await;
    assert_eq!(scene.metrics.counted("a", "refused"), 1);
    assert!(
        !scene.plugins.events().contains(&serving("a", false)),
        "the old version stays"
    );
}

#[tokio::test]
async fn the_same_bad_content_again_is_not_refused_again() {
    let scene = Scene::new();
    let _reload = scene.start().await;
    scene.swap("a.wasm", "bad");
    scene
        .until("a refusal", |events| events.contains(&refused("a", "bad")))
        .await;
    scene.swap("a.wasm", "bad");
    scene.swap("b.wasm", "good b.");
    scene.until_installed("b", "good b.").await;
    scene.swap("a.wasm", "good.");
    scene.until_installed("a", "good.").await;
    assert_eq!(scene.metrics.counted("a", "refused"), 1);
}

#[tokio::test]
async fn a_bad_file_and_then_a_good_one_ends_with_the_good_one() {
    let scene = Scene::new();
    let _reload = scene.start().await;
    scene.swap("a.wasm", "bad");
    scene.swap("a.wasm", "good.");
    scene.until_installed("a", "good.").await;
}

#[tokio::test]
async fn a_removed_file_pauses_its_subscriptions_before_the_plugin_goes() {
    let scene = Scene::new();
    scene.write("a.wasm", "good 1.");
    let _reload = scene.start().await;
    fs::remove_file(scene.path("a.wasm")).expect("removed");
    let gone = Event::Removed("a".into());
    scene
        .until("the removal", |events| events.last() == Some(&gone))
        .await;
    let events = scene.plugins.events();
    assert_eq!(events[events.len() - 2], serving("a", false));
    // The same content again is a new beginning.
    scene.swap("a.wasm", "good 1.");
    scene
        .until("the return", |events| {
            events.last() == Some(&serving("a", true))
        })
        .await;
}

#[tokio::test]
async fn a_plugin_whose_file_went_while_the_host_was_down_is_removed_at_the_start() {
    let scene = Scene::new();
    scene.plugins.keep("gone", "good 1.");
    scene.plugins.keep("a", "good 2.");
    scene.write("a.wasm", "good 2.");
    let _reload = scene.start().await;
    let events = scene.plugins.events();
    assert!(
        events.contains(&Event::Removed("gone".into())),
        "{events:?}"
    );
    assert!(!events.contains(&Event::Removed("a".into())), "{events:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_pipe_in_the_place_of_a_signature_holds_nobody_up() {
    let scene = Scene::new();
    scene.write("a.wasm", "good 1.");
    let pipe = scene.path("a.wasm.sig");
    let made = std::process::Command::new("mkfifo").arg(pipe).status();
    assert!(made.expect("mkfifo runs").success());
    let _reload = scene.start().await;
    let events = scene.plugins.events();
    assert!(events.contains(&serving("a", true)), "{events:?}");
}

#[tokio::test]
async fn two_plugins_at_once_are_both_taken() {
    let scene = Scene::new();
    let _reload = scene.start().await;
    scene.swap("a.wasm", "good a.");
    scene.swap("b.wasm", "good b.");
    let both = |events: &[Event]| {
        events.contains(&serving("a", true)) && events.contains(&serving("b", true))
    };
    scene.until("both", both).await;
}

#[tokio::test]
async fn a_bad_file_at_the_start_is_replaced_by_the_last_good_version() {
    let scene = Scene::new();
    scene.plugins.keep("a", "good 1.");
    scene.write("a.wasm", "bad");
    scene.write("b.wasm", "bad");
    let _reload = scene.start().await;
    let events = scene.plugins.events();
    assert!(events.contains(&Event::Dismissed("a".into())), "{events:?}");
    assert!(events.contains(&Event::Restored("a".into())), "{events:?}");
    assert!(events.contains(&serving("a", true)), "{events:?}");
    assert!(!events.contains(&serving("b", true)), "{events:?}");
    // Later refusals leave what serves.
    scene.swap("a.wasm", "bad again");
    scene
        .until("a refusal", |events| {
            events.contains(&refused("a", "bad again"))
        })
        .await;
    assert_eq!(scene.metrics.counted("a", "restored"), 1);
}

#[tokio::test]
async fn a_directory_that_is_gone_leaves_all_plugins_in_service() {
    let scene = Scene::new();
    scene.write("a.wasm", "good 1.");
    let _reload = scene.start().await;
    let moved = scene.directory.path().with_extension("moved");
    fs::rename(scene.directory.path(), &moved).expect("renamed");
    // Several looks' time: nothing may happen in it.
    tokio::time::sleep(Duration::from_millis(700)).await;
    fs::rename(&moved, scene.directory.path()).expect("renamed back");
    scene.write("b.wasm", "good b.");
    scene.until_installed("b", "good b.").await;
    assert!(!scene.plugins.events().contains(&serving("a", false)));
}
