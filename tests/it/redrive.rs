//! Dead letters that a good version of their plugin is to handle, while a bad one serves: previewed,
//! redriven through it, and killed in between.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use testkit::metrics;
use testkit::patience::until;
use testkit::server::Server;

use crate::world::{COUNTER, Host, WAY_IN};

/// Letters of each of the keys, which have their numbers for bodies.
const KEYS: [&str; 3] = ["a", "b", "c"];
const OF_A_KEY: usize = 4;
const LETTERS: usize = KEYS.len() * OF_A_KEY;
/// The one of each key for which no version is chosen.
const UNCHOSEN: usize = 1;
const PATIENCE: Duration = Duration::from_secs(60);

/// A dead letter.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Letter {
    id: String,
    key: String,
    message: Message,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Message {
    id: String,
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_are_previewed_and_redriven_through_a_version_that_does_not_serve_over_a_sigkill()
-> Result<()> {
    let routes = format!("{COUNTER}retry = []\n{WAY_IN}");
    let mut host = Host::with(&routes, &[]).await?;
    host.installation
        .put_plugin("counter", &wasmill_test_guests::bytes("trap"))?;
    for nth in 0..OF_A_KEY {
        for key in KEYS {
            send(&host.server, key, nth).await?;
        }
    }
    let all = letters(&host.server, LETTERS).await?;
    let good = host.keep_beside("counter").await?;
    let server = &mut host.server;

    nothing_is_done_by_a_preview(server, &good, &all).await?;
    let why = refused(
        server,
        &["--subscription", "worker", "--version", "00000000"],
    )
    .await?;
    ensure!(why.contains("no version `00000000` is kept"), "{why}");
    assert_eq!(letters(server, LETTERS).await?, all);

    // They wait for the plugin when the host is killed.
    server.command(&["plugin", "disable", "counter"]).await?;
    let version = ["--version", &good[..8]];
    for key in KEYS {
        let of_key = of_key(&all, key);
        redrive(server, &[&of_key[0].id], &version, 1).await?;
        redrive(server, &[&of_key[UNCHOSEN].id], &[], 1).await?;
    }
    let left = LETTERS - 2 * KEYS.len();
    redrive(server, &["--subscription", "worker"], &version, left).await?;
    server.kill().await?;
    server.start_again().await?;
    letters(server, 0).await?;
    server.command(&["plugin", "enable", "counter"]).await?;
    // The bad version serves all the while, and gave up again what was its.
    let given_up = letters(server, KEYS.len()).await?;
    let handled = (LETTERS - KEYS.len()) as f64;
    let client = server.client();
    metrics::reached(&client, "messages_handled_total", handled, PATIENCE).await?;
    server.kill().await?;
    server.start_again().await?;
    each_was_handled_once_and_in_order(server, &good, &all).await?;

    // What the good one wrote is there once.
    assert_eq!(letters(server, KEYS.len()).await?, given_up);
    let told = preview(server, &good, &[&given_up[0].id]).await?;
    let seen = OF_A_KEY.to_string();
    assert_eq!(
        told["previews"][0]["effects"]["written"],
        json!([{"name": "seen", "value": seen, "value_bytes": 1}]),
        "{told:#}"
    );
    server.stop().await
}

/// Both versions show what they would do, each as often as it is asked, and nothing of it is there.
async fn nothing_is_done_by_a_preview(server: &Server, good: &str, all: &[Letter]) -> Result<()> {
    for _ in 0..2 {
        let limit = LETTERS.to_string();
        let which = ["--subscription", "worker", "--limit", &limit];
        let told = preview(server, good, &which).await?;
        assert_eq!(told["version"], *good);
        let previews = told["previews"].as_array().context("a list")?;
        assert_eq!(previews.len(), LETTERS);
        for preview in previews {
            let effects = &preview["effects"];
            assert_eq!(preview["outcome"], "ok", "{preview:#}");
            let written = json!([{"name": "seen", "value": "1", "value_bytes": 1}]);
            assert_eq!(effects["written"], written);
            assert_eq!(effects["sent"][0]["topic"], "counted");
        }
        for key in KEYS {
            let of_key = previews.iter().filter(|it| it["key"] == key);
            let bodies = of_key.map(|it| &it["effects"]["sent"][0]["body"]);
            let expected = (0..OF_A_KEY).map(|nth| json!(nth.to_string()));
            assert!(bodies.eq(&expected.collect::<Vec<_>>()), "{told:#}");
        }
    }
    let serving = ["dlq", "preview", &all[0].id, &all[1].id];
    let told = server.command(&serving).await?;
    ensure!(told.matches(": fault: ").count() == 2, "{told}");
    let good = ["dlq", "preview", &all[0].id, "--version", good];
    let told = server.command(&good).await?;
    ensure!(told.contains("  writes `seen`: \"1\""), "{told}");
    assert_eq!(letters(server, LETTERS).await?, all);
    assert_eq!(counted(server).await?, Vec::<String>::new());
    Ok(())
}

/// Every letter's story ends as it must: well, by the good version, with one message for each, or by
/// the bad one if no version was chosen for it; and those of a key end one after the other.
async fn each_was_handled_once_and_in_order(
    server: &Server,
    good: &str,
    all: &[Letter],
) -> Result<()> {
    let counted = counted(server).await?;
    assert_eq!(counted.len(), LETTERS - KEYS.len());
    for key in KEYS {
        let of_key = of_key(all, key);
        let (mut sent_by, mut ends) = (Vec::new(), Vec::new());
        for (nth, letter) in of_key.iter().enumerate() {
            let path = format!("/v1/messages/{}", letter.message.id);
            let story = server.ask(&path).await?;
            let events = story["events"].as_array().context("a list")?;
            let ended = events.iter().rfind(|it| it["outcome"].is_string());
            let ended = ended.with_context(|| format!("{story:#}"))?;
            if nth == UNCHOSEN {
                ensure!(ended["version"] != good[..12], "{story:#}");
            } else {
                assert_eq!(ended["version"], good[..12], "{story:#}");
                assert_eq!(ended["outcome"], "done", "{story:#}");
                sent_by.push(&letter.message.id);
            }
            ends.push(ended["at"].as_str().context("a time")?.to_owned());
        }
        ensure!(ends.is_sorted(), "{key}: {ends:?}");
        let in_order = counted.iter().filter(|it| sent_by.contains(it));
        assert!(in_order.eq(sent_by.iter().copied()), "{key}: {counted:?}");
    }
    Ok(())
}

/// The letters of a key, in the order in which their messages were sent.
fn of_key<'a>(all: &'a [Letter], key: &str) -> Vec<&'a Letter> {
    let of_key: Vec<_> = all.iter().filter(|letter| letter.key == key).collect();
    assert_eq!(of_key.len(), OF_A_KEY);
    of_key
}

async fn send(server: &Server, key: &str, nth: usize) -> Result<()> {
    let (path, body) = (format!("/work/{key}"), Bytes::from(nth.to_string()));
    let reply = server.client().send(Method::POST, &path, body).await?;
    reply.success().map(drop)
}

async fn preview(server: &Server, version: &str, which: &[&str]) -> Result<Value> {
    let asked = [&["dlq", "preview", "--json", "--version", version], which].concat();
    Ok(serde_json::from_str(&server.command(&asked).await?)?)
}

/// Redrives so many letters, and is told where those are that fail again.
async fn redrive(server: &Server, which: &[&str], how: &[&str], count: usize) -> Result<()> {
    let told = server
        .command(&[&["dlq", "redrive"], which, how].concat())
        .await?;
    let hint = "wasmill dlq list --subscription worker";
    ensure!(
        told.starts_with(&format!("redriven: {count}\n")) && told.contains(hint),
        "{told}"
    );
    Ok(())
}

/// Why nothing is redriven.
async fn refused(server: &Server, how: &[&str]) -> Result<String> {
    let output = server.run(&[&["dlq", "redrive"], how].concat()).await?;
    ensure!(!output.status.success(), "{how:?} was done");
    Ok(String::from_utf8(output.stderr)?)
}

/// The messages whose handlers sent something that was committed, in that order.
async fn counted(server: &Server) -> Result<Vec<String>> {
    let found = server.ask("/v1/messages?topic=counted").await?;
    // The newest comes first.
    let found = found["messages"].as_array().context("a list")?.iter().rev();
    let causes = found.map(|it| it["message"]["causation"].as_str().map(str::to_owned));
    causes.collect::<Option<_>>().context("all were caused")
}

/// All dead letters, once there are so many: those of a key in its order.
async fn letters(server: &Server, count: usize) -> Result<Vec<Letter>> {
    let ask = || async {
        let all = server.ask("/v1/dead-letters").await?;
        Ok(Vec::<Letter>::deserialize(&all["dead_letters"])?)
    };
    until(PATIENCE, ask, |all| all.len() == count).await
}
