//! WASI's proposals: a component that knows nothing of this project runs as it is.

use std::collections::BTreeMap;

use wasmill_model::FailureKind;
use wasmill_model::routes::PluginSettings;

use crate::support::{Bench, Log, effects, failure, written};

async fn bench() -> Bench {
    let settings = PluginSettings {
        config: BTreeMap::from([("greeting".to_owned(), "hello".to_owned())]),
        ..PluginSettings::default()
    };
    Bench::with("portable", settings).await
}

#[tokio::test]
async fn a_component_of_wasi_messaging_handles_messages() {
    let bench = bench().await;
    let log = Log::default();
    let told = log.collect();
    let mut outcomes = bench.run(&["one", "two"]).await;
    drop(told);
    let second = effects(outcomes.remove(1));
    assert_eq!(written(&second, "count"), "2", "it sees its own state");
    let said = written(&second, "said");
    assert!(
        said.starts_with(r#"hello Some("in") None [("wasmill-id", "#),
        "{said}"
    );
    assert!(said.contains(r#"("wasmill-key", "key")"#), "{said}");

    let [sent] = &second.sends[..] else {
        panic!("{:?}", second.sends);
    };
    let message = &sent.message;
    assert_eq!((&*message.topic, &message.body[..]), ("counted", &b"2"[..]));
    assert_eq!(message.key.as_deref(), Some("key"));
    let headers: Vec<_> = message
        .headers
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    assert_eq!(headers[0], ("content-type", "text/plain"));
    assert!(
        !headers.iter().any(|(name, _)| name.starts_with("wasmill-")),
        "{headers:?}"
    );
    let log = log.text();
    assert!(log.contains("count: 2"), "{log}");
}

#[tokio::test]
async fn its_error_is_a_retry_and_undoes_what_it_did() {
    let failure = failure(bench().await.handle("fail").await);
    assert_eq!(
        (failure.kind, failure.cause.as_str()),
        (FailureKind::Retry, "as asked")
    );
}

#[tokio::test]
async fn keys_are_listed_page_by_page() {
    let effects = effects(bench().await.handle("list").await);
    assert_eq!(written(&effects, "said"), "1000 1000 500 0 true true");
}

#[tokio::test]
async fn batches_are_bounded_and_numbers_are_digits() {
    let effects = effects(bench().await.handle("batch").await);
    let said = written(&effects, "said");
    let found = r#"[Some(("a", [97])), None, Some(("c", [99]))]"#;
    assert!(said.starts_with(found), "{said}");
    assert!(said.contains("more than 1048576 bytes at once"), "{said}");
    assert!(
        said.contains("`a` holds no number in decimal digits"),
        "{said}"
    );
    assert!(said.ends_with(" false"), "{said}");
}

#[tokio::test]
async fn a_request_is_refused_as_no_answer_could_come() {
    let cause = failure(bench().await.handle("request").await).cause;
    assert!(cause.contains("no metadata `reply-to`"), "{cause}");
}

#[tokio::test]
async fn messages_that_are_hoarded_on_the_host_are_bounded() {
    let cause = failure(bench().await.handle("hoard").await).cause;
    assert!(cause.contains("hold more than 33554432 bytes"), "{cause}");
    let cause = failure(bench().await.handle("litter").await).cause;
    assert!(cause.contains("10000 metadata, more than 132"), "{cause}");
}
