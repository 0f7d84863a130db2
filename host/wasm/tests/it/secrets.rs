//! Secrets reach their plugin, and nobody else by accident.

use std::collections::BTreeMap;

use wasmill_model::Secret;
use wasmill_model::routes::{Grants, PluginSettings, SecretFile};

use crate::support::{Bench, Log, effects, failure, routes, written};

const KEY: &str = "sk_live_51H8\"quoted\"\nsecond line of it";

fn settings(key: &str) -> PluginSettings {
    let file = SecretFile {
        path: "/run/secrets/key".into(),
        secret: Secret::new(key),
    };
    let grants = Grants {
        secrets: BTreeMap::from([("KEY".to_owned(), file)]),
        ..Grants::default()
    };
    PluginSettings {
        grants,
        ..PluginSettings::default()
    }
}

#[tokio::test]
async fn a_plugin_reads_its_secret_by_name_and_never_among_all_its_config() {
    let mut settings = settings(KEY);
    settings.config.insert("plain".to_owned(), "1".to_owned());
    let bench = Bench::with("secretive", settings).await;
    let effects = effects(bench.handle("keep").await);
    assert_eq!(written(&effects, "key"), KEY);
    assert_eq!(written(&effects, "all"), r#"[("plain", "1")] []"#);
}

#[tokio::test]
async fn a_secret_that_is_told_by_accident_is_masked() {
    let bench = Bench::with("secretive", settings(KEY)).await;
    let log = Log::default();
    let told = log.collect();
    for body in ["log", "print"] {
        effects(bench.handle(body).await);
    }
    let causes = [
        failure(bench.handle("panic").await).cause,
        failure(bench.handle("retry").await).cause,
        failure(bench.handle("reject").await).cause,
    ];
    drop(told);
    let log = log.text();
    for text in causes.iter().chain([&log]) {
        assert!(text.contains("[secret KEY]"), "{text}");
        for part in ["sk_live", "quoted", "second line"] {
            assert!(!text.contains(part), "it tells {part:?}: {text}");
        }
    }
}

#[tokio::test]
async fn a_new_secret_is_seen_by_the_next_call() {
    let bench = Bench::with("secretive", settings("the first one")).await;
    assert_eq!(
        written(&effects(bench.handle("keep").await), "key"),
        "the first one"
    );
    bench
        .registry
        .set_routes(routes(settings("the second one")));
    assert_eq!(
        written(&effects(bench.handle("keep").await), "key"),
        "the second one"
    );
}
