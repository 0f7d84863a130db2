//! What was not granted is denied, and what was granted is no more than that.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;

use wasmill_component::{Capabilities, Manifest};
use wasmill_model::Secret;
use wasmill_model::routes::{Grants, PluginSettings, SecretFile};
use wasmill_port::{Choose, Plugins};

use crate::http::Server;
use crate::support::{Bench, Log, NOW, PLUGIN, effects, failure, written};

fn granted(grants: Grants) -> PluginSettings {
    PluginSettings {
        grants,
        ..PluginSettings::default()
    }
}

#[tokio::test]
async fn nothing_outside_the_sandbox_is_granted_by_default() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let bench = Bench::with("intruder", PluginSettings::default()).await;
    let address = listener.local_addr().unwrap().to_string();
    let report = written(&effects(bench.handle(&address).await), "report");
    for denied in ["absolute path", "parent path", "link", "socket"] {
        assert!(report.contains(&format!("{denied}: denied")), "{report}");
    }
    assert!(report.contains("environment: 0"), "{report}");
    assert!(
        report.contains(&format!("clock: {}", NOW.0)),
        "the platform's time: {report}"
    );
}

#[tokio::test]
async fn the_granted_directory_is_the_plugins_own() {
    let bench = Bench::with(
        "files",
        granted(Grants {
            files: true,
            ..Grants::default()
        }),
    )
    .await;
    assert_eq!(
        written(&effects(bench.handle("note.txt").await), "read"),
        "hello"
    );
    let own = bench.data().join("files").join(PLUGIN);
    assert_eq!(fs::read(own.join("note.txt")).unwrap(), b"hello");
    for outside in ["../escaped.txt", "../../escaped.txt"] {
        failure(bench.handle(outside).await);
    }
    assert!(!bench.data().join("escaped.txt").exists());
    assert!(!bench.data().join("files/escaped.txt").exists());
}

/// A guest whose manifest asks for so much.
async fn asking(guest: &str, asked: Capabilities, settings: PluginSettings) -> Bench {
    let manifest = Manifest {
        name: PLUGIN.to_owned(),
        version: "1".to_owned(),
        language: None,
        description: None,
        capabilities: asked,
        routes: None,
        state_version: 1,
    };
    let component = manifest.embed(&wasmill_test_guests::bytes(guest));
    let bench = Bench::new(settings);
    let file = component.as_slice().into();
    let installed = bench.registry.install(&PLUGIN.into(), file).await;
    installed.expect("the guest loads");
    bench
}

#[tokio::test]
async fn what_a_manifest_does_not_ask_for_is_denied_though_it_is_granted() {
    let server = Server::held().await;
    server.answer();
    let file = SecretFile {
        path: "/run/secrets/key".into(),
        secret: Secret::new("a long secret"),
    };
    let mut settings = server.granted();
    settings.grants.files = true;
    settings.grants.env = [("ORIGIN".to_owned(), "x".to_owned())].into();
    settings.grants.secrets = [("KEY".to_owned(), file)].into();

    let none = Capabilities::default;
    let bench = asking("files", none(), settings.clone()).await;
    failure(bench.handle("note.txt").await);
    let bench = asking("intruder", none(), settings.clone()).await;
    let report = written(&effects(bench.handle("127.0.0.1:9").await), "report");
    assert!(report.contains("environment: 0"), "{report}");
    let bench = asking("fetch", none(), settings.clone()).await;
    let cause = failure(bench.handle(&server.address()).await).cause;
    assert!(cause.contains("HttpRequestDenied"), "{cause}");
    assert_eq!(server.requests(), 0);
    let log = Log::default();
    let told = log.collect();
    let bench = asking("secretive", none(), settings.clone()).await;
    // It is no news when its instances begin anew, or it is tried besides.
    bench.registry.renew();
    let chosen = bench.registry.choose(&PLUGIN.into(), None).await;
    drop((chosen.expect("it serves"), told));
    failure(bench.handle("keep").await);
    let told = log.text();
    assert_eq!(told.matches("does not ask for").count(), 1, "{told}");
    assert!(told.contains("the secret KEY, files"), "{told}");

    let asked = Capabilities {
        http: [server.address()].into(),
        files: true,
        env: ["ORIGIN".to_owned()].into(),
        secrets: ["KEY".to_owned()].into(),
    };
    let bench = asking("files", asked.clone(), settings.clone()).await;
    effects(bench.handle("note.txt").await);
    let bench = asking("fetch", asked.clone(), settings.clone()).await;
    effects(bench.handle(&server.address()).await);
    let bench = asking("secretive", asked, settings).await;
    let kept = effects(bench.handle("keep").await);
    assert_eq!(written(&kept, "key"), "a long secret");
}

#[tokio::test]
async fn a_link_out_of_the_granted_directory_leads_nowhere() {
    let settings = granted(Grants {
        files: true,
        ..Grants::default()
    });
    let bench = Bench::with("intruder", settings).await;
    let own = bench.data().join("files").join(PLUGIN);
    symlink("/etc/passwd", own.join("link")).unwrap();
    let report = written(&effects(bench.handle("127.0.0.1:1").await), "report");
    for denied in ["absolute path", "parent path", "link"] {
        assert!(report.contains(&format!("{denied}: denied")), "{report}");
    }
}

#[tokio::test]
async fn without_the_grant_no_file_is_written() {
    let bench = Bench::with("files", PluginSettings::default()).await;
    failure(bench.handle("note.txt").await);
    assert!(!bench.data().join("files").exists());
}

/// `placed` is a link out that somebody else put into the directory, which no grant can prevent.
#[tokio::test]
async fn no_path_and_no_link_leads_out_of_the_granted_directory() {
    let settings = granted(Grants {
        files: true,
        ..Grants::default()
    });
    let bench = Bench::with("burglar", settings).await;
    let files = bench.data().join("files");
    let outside = files.join("outside.txt");
    fs::write(&outside, "not yours").unwrap();
    symlink("..", files.join(PLUGIN).join("placed")).unwrap();
    symlink("../outside.txt", files.join(PLUGIN).join("placed-file")).unwrap();

    let effects = effects(bench.handle("x").await);
    assert_eq!(written(&effects, "loot"), "", "nothing was read");
    let report = written(&effects, "report");
    // A link itself is the directory's own: it may be moved and removed, but not followed.
    let done: Vec<_> = report
        .lines()
        .filter(|line| line.ends_with(": done") && !line.contains("placed-file"))
        .collect();
    assert!(done.is_empty(), "{done:#?}");
    assert_eq!(fs::read(&outside).unwrap(), b"not yours");
    let beside: Vec<_> = fs::read_dir(&files)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(beside.len(), 2, "nothing was put beside it: {beside:?}");
}
