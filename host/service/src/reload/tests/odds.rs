//! Files that are links, that cannot be read, or that come when nothing can be written down.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::atomic::Ordering;

use super::{Event, Scene, installed, serving};

/// A file elsewhere, and what links point at it with.
fn elsewhere(scene: &Scene, content: &str) -> std::path::PathBuf {
    let path = scene.path("elsewhere").join(content);
    fs::create_dir_all(scene.path("elsewhere")).expect("made");
    fs::write(&path, content).expect("written");
    path
}

/// Points a link at another file, as `ln -sfn` does.
fn point(scene: &Scene, link: &str, at: &std::path::Path) {
    symlink(at, scene.path("incoming")).expect("linked");
    fs::rename(scene.path("incoming"), scene.path(link)).expect("renamed");
}

#[tokio::test]
async fn a_link_brings_what_it_points_at_and_one_to_nothing_is_a_file_that_is_gone() {
    let scene = Scene::new();
    let first = elsewhere(&scene, "good 1.");
    point(&scene, "a.wasm", &first);
    let _reload = scene.start().await;
    let events = scene.plugins.events();
    assert!(events.contains(&installed("a", "good 1.")), "{events:?}");
    // Pointed at another file, which is older than the link.
    point(&scene, "a.wasm", &elsewhere(&scene, "good 2."));
    scene.until_installed("a", "good 2.").await;
    // What it points at changes, where nobody watches.
    fs::write(scene.path("elsewhere").join("good 2."), "good 3.").expect("written");
    scene.until_installed("a", "good 3.").await;
    fs::remove_file(scene.path("elsewhere").join("good 2.")).expect("removed");
    let gone = Event::Removed("a".into());
    scene
        .until("the removal", |events| events.contains(&gone))
        .await;
}

/// As a mounted config map is: each file a link through one link to a directory, which is swapped.
#[tokio::test]
async fn a_directory_that_links_lead_through_is_swapped_for_all_files_at_once() {
    let scene = Scene::new();
    for (directory, version) in [("..1", "good 1."), ("..2", "good 2.")] {
        fs::create_dir(scene.path(directory)).expect("made");
        for file in ["a.wasm", "b.wasm"] {
            fs::write(scene.path(directory).join(file), version).expect("written");
        }
    }
    symlink("..1", scene.path("..data")).expect("linked");
    for file in ["a.wasm", "b.wasm"] {
        symlink(format!("..data/{file}"), scene.path(file)).expect("linked");
    }
    let _reload = scene.start().await;
    let events = scene.plugins.events();
    assert!(events.contains(&installed("b", "good 1.")), "{events:?}");
    symlink("..2", scene.path("..next")).expect("linked");
    fs::rename(scene.path("..next"), scene.path("..data")).expect("renamed");
    scene.until_installed("a", "good 2.").await;
    scene.until_installed("b", "good 2.").await;
}

#[tokio::test]
async fn a_file_that_cannot_be_looked_at_is_not_gone() {
    let scene = Scene::new();
    scene.write("a.wasm", "good 1.");
    let _reload = scene.start().await;
    // It leads nowhere, and that is no word of whether there is a file.
    point(&scene, "a.wasm", &scene.path("a.wasm"));
    let refused = || scene.metrics.counted("a", "refused") == 1;
    scene.until("a refusal", |_| refused()).await;
    scene.swap("b.wasm", "good b.");
    scene.until_installed("b", "good b.").await;
    assert!(!scene.plugins.events().contains(&serving("a", false)));
}

#[tokio::test]
async fn a_file_that_could_not_be_kept_is_brought_again_until_it_is() {
    let scene = Scene::new();
    scene.plugins.keep("a", "good 1.");
    scene.plugins.full.store(true, Ordering::SeqCst);
    scene.write("a.wasm", "good 2.");
    let _reload = scene.start().await;
    let waits = Event::Waits("a".into(), "good 2.".into());
    let twice = |events: &[Event]| events.iter().filter(|it| **it == waits).count() >= 2;
    scene.until("another attempt", twice).await;
    let restored = Event::Restored("a".into());
    let events = scene.plugins.events();
    let restored = events.iter().filter(|it| **it == restored).count();
    assert_eq!(restored, 1, "the kept version serves meanwhile: {events:?}");
    assert_eq!(scene.metrics.counted("a", "waiting"), 1, "told once");
    scene.plugins.full.store(false, Ordering::SeqCst);
    scene.until_installed("a", "good 2.").await;
}

#[tokio::test]
async fn a_removal_that_could_not_be_written_down_is_written_later() {
    let scene = Scene::new();
    scene.write("a.wasm", "good 1.");
    let _reload = scene.start().await;
    scene.plugins.full.store(true, Ordering::SeqCst);
    fs::remove_file(scene.path("a.wasm")).expect("removed");
    let gone = Event::Removed("a".into());
    scene
        .until("the removal", |events| events.contains(&gone))
        .await;
    scene.plugins.full.store(false, Ordering::SeqCst);
    let written = Event::Written("a".into());
    scene
        .until("the record", |events| events.contains(&written))
        .await;
}

#[tokio::test]
async fn nothing_is_said_to_serve_of_a_disabled_plugin_whose_file_is_refused() {
    let scene = Scene::new();
    scene.plugins.keep("a", "good 1.");
    scene.plugins.disabled.store(true, Ordering::SeqCst);
    scene.write("a.wasm", "bad");
    let _reload = scene.start().await;
    assert_eq!(scene.metrics.counted("a", "refused"), 1);
    assert_eq!(scene.metrics.counted("a", "restored"), 0);
}

#[tokio::test]
async fn a_file_that_was_refused_for_the_routes_is_brought_again_when_they_change() {
    let scene = Scene::new();
    scene.write("a.wasm", "good but unsigned.");
    scene.write("b.wasm", "bad");
    let supervisor = scene.supervisor();
    let _reload = scene.start_with(supervisor.clone()).await;
    assert_eq!(scene.metrics.counted("a", "refused"), 1);
    scene.plugins.trusted.store(true, Ordering::SeqCst);
    supervisor.reconsider().await;
    scene.until_installed("a", "good but unsigned.").await;
    assert_eq!(scene.metrics.counted("b", "refused"), 1, "no other is");
}
