//! Outgoing HTTP against a server on loopback.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use wasmill_model::routes::{CallLimits, Grants, PluginSettings};
use wasmill_port::Guests;

use crate::support::{Bench, Log, effects, failure, written};

/// A server that answers each request with a head and body of its own, once it is told to.
pub(crate) struct Server {
    address: String,
    arrived: watch::Receiver<usize>,
    go: watch::Sender<bool>,
}

impl Server {
    /// A server that says "hello" to those who wait, when told to.
    pub(crate) async fn held() -> Self {
        Self::start(
            b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello".to_vec(),
            false,
        )
        .await
    }

    async fn start(answer: Vec<u8>, go: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (count, arrived) = watch::channel(0);
        let (go, gone) = watch::channel(go);
        let (count, answer) = (Arc::new(count), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (count, gone, answer) = (count.clone(), gone.clone(), answer.clone());
                tokio::spawn(serve(stream, count, gone, answer));
            }
        });
        Self {
            address,
            arrived,
            go,
        }
    }

    /// `host:port`.
    pub(crate) fn address(&self) -> String {
        self.address.clone()
    }

    /// Settings that grant this server.
    pub(crate) fn granted(&self) -> PluginSettings {
        let grants = Grants {
            http: vec![self.address()],
            ..Grants::default()
        };
        let limits = CallLimits {
            deadline: Duration::from_secs(60),
            ..CallLimits::default()
        };
        PluginSettings {
            grants,
            limits,
            ..PluginSettings::default()
        }
    }

    /// Settings in which the guest `starter` may do all that it does when it starts.
    pub(crate) fn granted_at_start(&self) -> PluginSettings {
        let settings = self.granted();
        PluginSettings {
            grants: Grants {
                files: true,
                env: BTreeMap::from([("ORIGIN".to_owned(), self.address())]),
                ..settings.grants
            },
            ..settings
        }
    }

    /// Waits until so many requests have arrived.
    pub(crate) async fn wait_for(&self, count: usize) {
        self.arrived
            .clone()
            .wait_for(|arrived| *arrived >= count)
            .await
            .unwrap();
    }

    /// How many requests have arrived.
    pub(crate) fn requests(&self) -> usize {
        *self.arrived.borrow()
    }

    /// Answers all who wait, and all who come.
    pub(crate) fn answer(&self) {
        self.go.send_replace(true);
    }
}

async fn serve(
    mut stream: TcpStream,
    count: Arc<watch::Sender<usize>>,
    mut gone: watch::Receiver<bool>,
    answer: Arc<Vec<u8>>,
) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    count.send_modify(|arrived| *arrived += 1);
    if gone.wait_for(|go| *go).await.is_ok() {
        // A guest that was stopped reads no further.
        let _ = stream.write_all(&answer).await;
    }
    // The connection is the client's to end: it may still send, or wait for more.
    let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
}

#[tokio::test]
async fn a_granted_host_is_reached() {
    let server = Server::held().await;
    server.answer();
    let bench = Bench::with("fetch", server.granted()).await;
    let effects = effects(bench.handle(&server.address()).await);
    assert_eq!(written(&effects, "answer"), "hello");
}

#[tokio::test]
async fn a_host_that_is_not_granted_is_denied_and_never_asked() {
    let server = Server::held().await;
    server.answer();
    let bench = Bench::with("fetch", PluginSettings::default()).await;
    let cause = failure(bench.handle(&server.address()).await).cause;
    assert!(cause.contains("HttpRequestDenied"), "{cause}");
    assert_eq!(*server.arrived.borrow(), 0);
}

#[tokio::test]
async fn a_guest_that_writes_first_is_told_why_its_request_is_refused() {
    let server = Server::held().await;
    let post = |address: &str| format!("{address} 50000");
    let bench = Bench::with("post", PluginSettings::default()).await;
    let cause = failure(bench.handle(&post(&server.address())).await).cause;
    assert_eq!(cause, "ErrorCode::HttpRequestDenied");
    // By where the name leads, which is found out later.
    let rebound = server.address().replace("127.0.0.1", "127.1");
    let mut settings = server.granted();
    settings.grants.http = vec![rebound.clone()];
    let bench = Bench::with("post", settings).await;
    let cause = failure(bench.handle(&post(&rebound)).await).cause;
    assert!(cause.contains("DestinationIpProhibited"), "{cause}");
    assert!(!cause.contains("not taken"), "{cause}");
    assert_eq!(server.requests(), 0);
}

#[tokio::test]
async fn a_redirect_to_a_host_that_is_not_granted_is_not_followed() {
    let secret = Server::held().await;
    secret.answer();
    let location = format!("location: http://{}/\r\n", secret.address());
    let answer = format!("HTTP/1.1 302 Found\r\n{location}content-length: 2\r\n\r\nno");
    let server = Server::start(answer.into_bytes(), true).await;
    let bench = Bench::with("fetch", server.granted()).await;
    assert_eq!(
        written(&effects(bench.handle(&server.address()).await), "answer"),
        "no"
    );
    assert_eq!(*secret.arrived.borrow(), 0);
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let size = 20 << 20;
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {size}\r\n\r\n");
    let answer = [head.into_bytes(), vec![b'x'; size]].concat();
    let server = Server::start(answer, true).await;
    let bench = Bench::with("fetch", server.granted()).await;
    let cause = failure(bench.handle(&server.address()).await).cause;
    assert!(
        cause.to_lowercase().contains("body size") || cause.contains("HttpResponseBodySize"),
        "{cause}"
    );
}

#[tokio::test]
async fn a_request_with_too_large_a_body_is_refused() {
    let server = Server::held().await;
    server.answer();
    let mut settings = server.granted();
    settings.grants.http_limits.request_bytes_max = 1_000;
    let bench = Bench::with("post", settings).await;
    let post = |bytes: usize| format!("{} {bytes}", server.address());
    let effects = effects(bench.handle(&post(1_000)).await);
    assert_eq!(written(&effects, "answer"), "hello");
    let cause = failure(bench.handle(&post(1_001)).await).cause;
    assert!(cause.contains("HttpRequestBodySize(Some(1000))"), "{cause}");
    // So is one who is still writing then.
    let cause = failure(bench.handle(&post(100_000)).await).cause;
    assert!(cause.contains("HttpRequestBodySize(Some(1000))"), "{cause}");
    assert!(!cause.contains("not taken"), "{cause}");
}

#[tokio::test]
async fn a_name_that_stands_for_this_machine_is_refused_unless_it_is_granted_so() {
    let server = Server::held().await;
    server.answer();
    // A form of 127.0.0.1 that the resolver knows, and that is no address otherwise.
    let rebound = server.address().replace("127.0.0.1", "127.1");
    let mut settings = server.granted();
    settings.grants.http = vec![rebound.clone()];
    let bench = Bench::with("fetch", settings.clone()).await;
    let log = Log::default();
    let told = log.collect();
    let cause = failure(bench.handle(&rebound).await).cause;
    drop(told);
    assert!(cause.contains("DestinationIpProhibited"), "{cause}");
    assert_eq!(*server.arrived.borrow(), 0);
    let log = log.text();
    let words = "outgoing HTTP to `127.1` was refused: the name stands for 127.0.0.1";
    assert!(log.contains(words), "{log}");

    settings.grants.http_private = vec![rebound.clone()];
    let bench = Bench::with("fetch", settings).await;
    let effects = effects(bench.handle(&rebound).await);
    assert_eq!(written(&effects, "answer"), "hello");
}

#[tokio::test]
async fn refusals_are_told_once_and_not_each_time() {
    let bench = Bench::with("fetch", PluginSettings::default()).await;
    let log = Log::default();
    let told = log.collect();
    for _ in 0..20 {
        failure(bench.handle("evil.example").await);
    }
    drop(told);
    let log = log.text();
    let words = "outgoing HTTP to `evil.example` was refused: add it to `grants.http`";
    assert_eq!(log.matches(words).count(), 1, "{log}");
}

#[tokio::test]
async fn requests_beyond_the_plugins_share_wait_for_the_others() {
    let server = Server::held().await;
    let mut settings = server.granted();
    settings.grants.http_limits.concurrency = 1;
    let bench = Arc::new(Bench::with("fetch", settings.clone()).await);
    let mut fetches = JoinSet::new();
    for _ in 0..3 {
        let (bench, address) = (bench.clone(), server.address());
        fetches.spawn(async move { bench.handle(&address).await });
    }
    server.wait_for(1).await;
    server.answer();
    while let Some(outcome) = fetches.join_next().await {
        assert_eq!(written(&effects(outcome.unwrap()), "answer"), "hello");
    }

    // Nor do they wait for ever.
    let server = Server::held().await;
    settings.grants.http = vec![server.address()];
    settings.grants.http_limits.connect = Duration::from_millis(50);
    let bench = Arc::new(Bench::with("fetch", settings).await);
    let first = tokio::spawn({
        let (bench, address) = (bench.clone(), server.address());
        async move { bench.handle(&address).await }
    });
    server.wait_for(1).await;
    let cause = failure(bench.handle(&server.address()).await).cause;
    assert!(cause.contains("ConnectionLimitReached"), "{cause}");
    server.answer();
    assert_eq!(written(&effects(first.await.unwrap()), "answer"), "hello");
}

#[tokio::test]
async fn an_exchange_ends_with_the_time_that_is_granted() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhe";
    for answers in [false, true] {
        // One never answers, the other stops in the middle of its body and keeps the connection.
        let server = Server::start(head.to_vec(), answers).await;
        let mut settings = server.granted();
        settings.grants.http_limits.total = Duration::from_millis(100);
        let bench = Bench::with("fetch", settings).await;
        let cause = failure(bench.handle(&server.address()).await).cause;
        assert!(cause.to_lowercase().contains("timeout"), "{cause}");
    }
}

#[tokio::test]
async fn a_server_that_never_answers_costs_the_call_its_deadline() {
    let server = Server::held().await;
    let mut settings = server.granted();
    settings.limits.deadline = Duration::from_millis(100);
    let bench = Bench::with("fetch", settings).await;
    let cause = failure(bench.handle(&server.address()).await).cause;
    // Its own timeouts end with the deadline, so either may come first.
    assert!(
        cause.contains("deadline") || cause.contains("Timeout"),
        "{cause}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_wait_for_http_and_fast_handlers_go_on_beside_them() {
    const WAITING: usize = 1_000;
    let server = Server::held().await;
    let bench = Arc::new(Bench::new(server.granted()));
    bench.install("slow", "fetch").await.unwrap();
    bench.install("fast", "counter").await.unwrap();
    let mut slow = JoinSet::new();
    for _ in 0..WAITING {
        let (bench, address) = (bench.clone(), server.address());
        slow.spawn(async move {
            let run = bench.make_run("slow", &[&address], Duration::MAX);
            bench.registry.handle(run).await.remove(0)
        });
    }
    server.wait_for(WAITING).await;

    for _ in 0..1_000 {
        let run = bench.make_run("fast", &["a"], Duration::MAX);
        effects(bench.registry.handle(run).await.remove(0));
    }
    assert!(slow.try_join_next().is_none(), "all still wait");

    server.answer();
    while let Some(outcome) = slow.join_next().await {
        assert_eq!(written(&effects(outcome.unwrap()), "answer"), "hello");
    }
}
