//! The hostile corpus: components and modules that attack the host, each in its way, in one host and
//! beside a plugin that behaves. Each is contained; what came of each is told to operators in words;
//! nothing of it is seen by its neighbour.

mod cases;
mod corpus;
mod made;
mod steady;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use cases::{Case, Expect};
use hyper::Method;
use serde_json::{Value, json};
use steady::Steady;
use testkit::patience::until;
use testkit::server::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::world::Host;

/// Longest time until all are judged: a few dozen files are compiled, and some take their deadline.
const PATIENCE: Duration = Duration::from_secs(240);

const TOPICS: &str = r#"
[topics]
"hostile.*" = {}
"plunder" = {}
"counted" = {}
"steady" = {}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn hostile_plugins_are_contained_and_explained_while_their_neighbour_goes_on() -> Result<()> {
    let elsewhere = TcpListener::bind("127.0.0.1:0").await?;
    let redirects = redirecting(elsewhere.local_addr()?.to_string()).await?;
    let cases = cases::all(&redirects);
    let names: BTreeSet<_> = cases.iter().map(|case| case.name.clone()).collect();
    for name in corpus::names() {
        ensure!(names.contains(&name), "no case uses {name}.wat");
    }
    ensure!(names.len() >= 30, "{} cases", names.len());

    let routes: String = cases.iter().map(Case::routes).collect();
    let routes = format!("{TOPICS}{}{routes}", steady::ROUTES);
    let host = Host::with(&routes, &[steady::GUEST]).await?;
    let steady = Steady::start(host.server.client()).await?;
    for case in &cases {
        host.installation.put_plugin(&case.name, &case.bytes)?;
    }
    for case in cases.iter().filter(|case| case.expect.runs()) {
        let message =
            json!({"topic": format!("hostile.{}", case.name), "key": "k", "body": case.body});
        let (path, body) = ("/v1/messages", Bytes::from(message.to_string()));
        let sent = host
            .server
            .data_api()
            .send(Method::POST, path, body)
            .await?;
        sent.success()?;
    }

    let wrong = judged(&host.server, &cases).await?;
    ensure!(wrong.is_empty(), "{wrong:#?}\n{}", host.server.log_tail());
    let went = steady.stop().await?;
    println!(
        "{} hostile plugins; the neighbour handled {}, and {} of theirs ended during one of its",
        cases.len(),
        went.handled,
        went.overtaken_max
    );
    // Behind theirs, one of its messages would have waited for nearly all of them.
    let failing = cases
        .iter()
        .filter(|case| matches!(case.expect, Expect::Fails(_)));
    let half = failing.count() as f64 / 2.0;
    ensure!(
        went.overtaken_max < half,
        "{} of theirs ended while the neighbour waited",
        went.overtaken_max
    );

    nothing_was_taken(&host.server, elsewhere).await
}

/// What of the cases did not end as it should; waits until all have ended.
async fn judged(server: &Server, cases: &[Case]) -> Result<Vec<String>> {
    let count = |all: fn(&Expect) -> bool| cases.iter().filter(|case| all(&case.expect)).count();
    let failing = count(|expect| matches!(expect, Expect::Fails(_)));
    let refused = count(|expect| matches!(expect, Expect::Refused(_)));
    let api = &server.data_api();
    let ask = || async {
        let letters: Value = api
            .get("/v1/dead-letters?limit=1000")
            .await?
            .success()?
            .json()?;
        let letters = letters["dead_letters"]
            .as_array()
            .context("letters")?
            .clone();
        let refusals = refusals(&server.log()?);
        let subscriptions: Value = api.get("/v1/subscriptions").await?.success()?.json()?;
        let pending = pending(&subscriptions, cases);
        Ok((letters, refusals, pending))
    };
    let ended = |found: &(Vec<Value>, BTreeMap<String, String>, usize)| {
        found.0.len() >= failing && found.1.len() >= refused && found.2 == 0
    };
    let (letters, refusals, _) = match until(PATIENCE, ask, ended).await {
        Ok(found) => found,
        // Which of them it was is told below.
        Err(_) => ask().await?,
    };
    let mut wrong = Vec::new();
    for case in cases {
        let letter = letters.iter().find(|it| it["subscription"] == *case.name);
        let cause = letter.and_then(|it| it["cause"].as_str());
        let refusal = refusals.get(&case.name).map(String::as_str);
        if let Err(what) = case.judge(refusal, cause) {
            wrong.push(format!("{}: {what}", case.name));
        }
    }
    Ok(wrong)
}

/// How many messages wait for plugins that should handle them.
fn pending(subscriptions: &Value, cases: &[Case]) -> usize {
    let runs = |name: &Value| {
        cases
            .iter()
            .any(|case| *name == *case.name && case.expect.runs())
    };
    let subscriptions = subscriptions["subscriptions"].as_array();
    let waiting = subscriptions.into_iter().flatten();
    waiting
        .filter(|it| runs(&it["name"]) && it["pending"] != 0)
        .count()
}

/// Why plugins were refused, as the host's log has it.
fn refusals(log: &str) -> BTreeMap<String, String> {
    let told = log.lines().filter_map(|line| {
        let (_, told) = line.split_once("plugin file refused: ")?;
        let (file, reason) = told.split_once(".wasm\" reason=\"")?;
        let (_, name) = file.rsplit_once('/')?;
        Some((name.to_owned(), reason.to_owned()))
    });
    told.collect()
}

/// Nothing that was sent by those who failed arrived, no half message is delivered, and the host
/// that nobody was granted was not asked.
async fn nothing_was_taken(server: &Server, elsewhere: TcpListener) -> Result<()> {
    let api = server.data_api();
    let plunder: Value = api
        .get("/v1/messages?topic=plunder")
        .await?
        .success()?
        .json()?;
    let halves: Value = api.get("/v1/transactions").await?.success()?.json()?;
    let [half] = &halves["transactions"].as_array().context("transactions")?[..] else {
        bail!("one is undecided, and not {halves}");
    };
    let plunder = plunder["messages"].as_array().context("messages")?;
    let others = plunder
        .iter()
        .filter(|it| it["message"]["id"] != half["message"]["id"]);
    ensure!(others.count() == 0, "{plunder:?}");
    let asked = tokio::time::timeout(Duration::ZERO, elsewhere.accept()).await;
    ensure!(asked.is_err(), "it was asked");
    let log = server.log()?;
    let forged = log
        .lines()
        .any(|line| line.starts_with("2026-01-01T00:00:00"));
    ensure!(!forged, "a plugin forged a line of the log");
    ensure!(!log.contains('\u{1b}'), "a plugin commands the terminal");
    let lines = log
        .lines()
        .filter(|line| line.contains("log_flood"))
        .count();
    ensure!(lines < 40_000, "{lines} lines of one plugin");
    Ok(())
}

/// A server that sends everybody on to `elsewhere`; returns where it listens.
async fn redirecting(elsewhere: String) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 1_024];
            let _ = stream.read(&mut request).await;
            let answer = format!(
                "HTTP/1.1 302 Found\r\nlocation: http://{elsewhere}/\r\ncontent-length: 0\r\n\r\n"
            );
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    Ok(address)
}
