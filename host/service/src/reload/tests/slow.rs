//! Files of which something becomes while they are compiled.

use std::fs;

use tokio::time::timeout;

use super::{PATIENCE, Scene, installed, refused, serving};
use crate::reload::Reload;
use crate::reload::tests::scripted::Event;

const SLOW: &str = "good but slow.";

impl Scene {
    /// A watched directory whose `a.wasm` serves.
    async fn with_a() -> (Self, Reload) {
        let scene = Self::new();
        scene.write("a.wasm", "good 1.");
        let reload = scene.start().await;
        scene.until_installed("a", "good 1.").await;
        (scene, reload)
    }

    /// Waits until so many files have been given to the compiler that take long.
    async fn until_compiling(&self, count: usize) {
        let mut compiling = self.plugins.compiling.subscribe();
        let begun = timeout(PATIENCE, compiling.wait_for(|begun| *begun >= count)).await;
        begun.expect("they are").expect("the plugins are there");
    }

    /// Waits until a file is installed that came after all that the test has done.
    async fn until_all_is_seen(&self) {
        self.swap("b.wasm", "good b.");
        self.until_installed("b", "good b.").await;
    }
}

#[tokio::test]
async fn a_file_that_goes_while_it_is_compiled_is_removed_at_once_and_never_serves() {
    let (scene, _reload) = Scene::with_a().await;
    scene.swap("a.wasm", SLOW);
    scene.until_compiling(1).await;
    fs::remove_file(scene.path("a.wasm")).expect("removed");
    // The compiler is still at work.
    let gone = Event::Removed("a".into());
    scene
        .until("the removal", |events| events.contains(&gone))
        .await;
    scene.plugins.compiled.add_permits(1);
    scene.until_all_is_seen().await;
    assert!(!scene.plugins.events().contains(&installed("a", SLOW)));
}

#[tokio::test]
async fn a_file_that_is_written_over_while_it_is_compiled_never_serves() {
    for (instead, becomes) in [
        ("nonsense", refused("a", "nonsense")),
        ("good 1.", installed("a", "good 1.")),
        ("good 2.", installed("a", "good 2.")),
    ] {
        let (scene, _reload) = Scene::with_a().await;
        let before = scene.plugins.events().len();
        scene.swap("a.wasm", SLOW);
        scene.until_compiling(1).await;
        scene.swap("a.wasm", instead);
        scene.plugins.compiled.add_permits(1);
        let seen = |events: &[Event]| events[before..].contains(&becomes);
        scene.until("what came instead", seen).await;
        let events = scene.plugins.events();
        assert!(!events.contains(&installed("a", SLOW)), "{events:?}");
        assert!(!events.contains(&serving("a", false)), "{events:?}");
    }
}

#[tokio::test]
async fn a_file_that_is_touched_while_it_is_compiled_serves() {
    let (scene, _reload) = Scene::with_a().await;
    scene.swap("a.wasm", SLOW);
    scene.until_compiling(1).await;
    scene.swap("a.wasm", SLOW);
    scene.plugins.compiled.add_permits(1);
    scene.until_installed("a", SLOW).await;
}

#[tokio::test]
async fn the_watch_ends_although_the_compiler_is_at_work() {
    let (scene, reload) = Scene::with_a().await;
    scene.swap("a.wasm", SLOW);
    scene.until_compiling(1).await;
    let stopped = timeout(PATIENCE, reload.stop()).await;
    stopped.expect("nothing waits for the compiler");
}

#[tokio::test]
async fn a_kept_version_serves_if_the_file_changes_while_it_is_compiled_at_the_start() {
    let scene = Scene::new();
    scene.plugins.keep("a", "good 1.");
    scene.write("a.wasm", SLOW);
    let change = async {
        scene.until_compiling(1).await;
        scene.swap("a.wasm", "good 2.");
        scene.plugins.compiled.add_permits(1);
    };
    let (_reload, ()) = tokio::join!(scene.start(), change);
    let events = scene.plugins.events();
    assert!(events.contains(&serving("a", true)), "{events:?}");
    assert!(!events.contains(&installed("a", SLOW)), "{events:?}");
    scene.until_installed("a", "good 2.").await;
}
