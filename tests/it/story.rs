//! Messages looked up, and flows told whole: a retry with its cause, a dead letter, who handled
//! what; over the data API and the command line, across a SIGKILL and an orderly end.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hyper::{Method, StatusCode};
use serde_json::Value;
use testkit::client::Client;
use testkit::patience::until;
use testkit::provider::Policy;
use testkit::server::Server;
use testkit::traffic::Market;

use crate::world::{Host, World, busy_market};

/// The second plugin fails on all that the first one sends.
const ROUTES: &str = r#"
[topics]
"work" = {}
"counted" = {}

[subscriptions.worker]
topic = "work"
plugin = "refuse"
retry = ["1h"]

[subscriptions.listener]
topic = "counted"
plugin = "trap"
retry = ["20ms"]
"#;

const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_is_told_whole_and_the_same_after_a_sigkill_and_an_orderly_end() -> Result<()> {
    let mut host = Host::with(ROUTES, &["refuse", "trap"]).await?;
    let server = &mut host.server;
    let send = ["send", "work", "--key", "k", "--body", "x"];
    let flow = server.command(&send).await?.trim().to_owned();
    let other = ["send", "work", "--key", "other", "--body", "x"];
    server.command(&other).await?;
    let told = told_to_its_end(&server.data_api(), &flow).await?;
    check(&told, &flow)?;

    nothing_comes_of_nonsense(&server.data_api()).await?;
    look_up(server, &flow).await?;

    server.kill().await?;
    server.start_again().await?;
    assert_eq!(trace(&server.data_api(), &flow).await?["messages"], told);
    // An orderly end puts all of it into the view; the log still has it.
    server.stop().await?;
    server.start_again().await?;
    assert_eq!(trace(&server.data_api(), &flow).await?["messages"], told);

    server
        .command(&["dlq", "purge", &letter(server, &flow).await?])
        .await?;
    let told = trace(&server.data_api(), &flow).await?;
    let last = told["messages"][1]["events"]
        .as_array()
        .and_then(|it| it.last());
    assert_eq!(last.map(|event| &event["event"]), Some(&"purged".into()));
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_of_the_shop_is_told_by_its_id() -> Result<()> {
    let plenty = Market {
        pieces: 1_000,
        ..busy_market(10)
    };
    let plan = plenty.plan();
    let world = World::with(&plan, Policy::honest(), "1h").await?;
    let (id, order) = plan.orders.iter().next().context("an order")?;
    world.scene.shop.place_and_wait(order, "10s").await?;
    let server = &world.scene.server;
    let path = format!("/v1/traces?key={id}");
    let told = server.data_api().get(&path).await?.success()?;
    let told: Value = told.json()?;
    let messages = told["messages"].as_array().context("messages")?;
    assert_eq!(messages[0]["message"]["topic"], "order.placed");
    let roots = messages.iter().filter(|it| it["depth"] == 0).count();
    assert_eq!(roots, 1, "{told:#}");
    let topics: Vec<_> = messages.iter().map(|it| &it["message"]["topic"]).collect();
    for topic in ["stock.reserve", "stock.reserved", "order.confirmed"] {
        ensure!(topics.contains(&&topic.into()), "no {topic} in {topics:?}");
    }
    let tree = server.command(&["trace", "--key", id]).await?;
    ensure!(
        tree.contains("(order@") && tree.contains("(stock@"),
        "{tree}"
    );
    ensure!(tree.contains("set timer"), "{tree}");
    Ok(())
}

/// What became of the flow, once its dead letter is told.
async fn told_to_its_end(api: &Client, flow: &str) -> Result<Value> {
    let is_told = |told: &Value| told.to_string().contains("dead_letter");
    let told = until(PATIENCE, || trace(api, flow), is_told).await?;
    Ok(told["messages"].clone())
}

async fn trace(api: &Client, flow: &str) -> Result<Value> {
    api.get(&format!("/v1/traces/{flow}"))
        .await?
        .success()?
        .json()
}

/// Two messages: one handled, one that failed twice.
fn check(told: &Value, flow: &str) -> Result<()> {
    let messages = told.as_array().context("messages")?;
    assert_eq!(messages.len(), 2, "{told:#}");
    let handled = &handled(&messages[0])[0];
    assert_eq!(messages[0]["message"]["id"], *flow);
    assert_eq!(
        (&handled["outcome"], &handled["plugin"]),
        (&"done".into(), &"refuse".into())
    );
    assert_eq!(
        handled["effects"]["written"],
        serde_json::json!(["touched"])
    );
    assert_eq!(handled["effects"]["sent"][0], messages[1]["message"]["id"]);
    ensure!(
        handled["fuel"].as_u64() > Some(0) && handled["duration_us"].is_u64(),
        "{handled}"
    );
    let used = &handled["used"];
    ensure!(
        used["memory_bytes"].as_u64() > Some(0)
            && used["host_calls"].as_u64() > Some(0)
            && used["bytes_in"].is_u64()
            && used["bytes_out"].as_u64() > Some(0),
        "{handled}"
    );
    ensure!(
        handled["version"].as_str().is_some_and(|it| it.len() == 12),
        "{handled}"
    );

    assert_eq!(
        (&messages[1]["depth"], &messages[1]["message"]["causation"]),
        (&1.into(), &flow.into())
    );
    let [failed, dead] = &self::handled(&messages[1])[..] else {
        anyhow::bail!("{told:#}")
    };
    assert_eq!(
        (&failed["outcome"], &failed["attempt"]),
        (&"retry".into(), &1.into())
    );
    assert_eq!(
        (&dead["outcome"], &dead["attempt"]),
        (&"dead_letter".into(), &2.into())
    );
    for handled in [failed, dead] {
        ensure!(
            handled["cause"]
                .as_str()
                .is_some_and(|it| it.contains("unreachable")),
            "{handled}"
        );
    }
    Ok(())
}

/// What is told of a message's deliveries.
fn handled(message: &Value) -> Vec<Value> {
    let events = message["events"].as_array().cloned().unwrap_or_default();
    let is_handled = |event: &Value| event["event"] == "handled";
    events.into_iter().filter(is_handled).collect()
}

/// The same from the command line, and page by page.
async fn look_up(server: &Server, flow: &str) -> Result<()> {
    for how in [&["trace", flow][..], &["trace", "--key", "k"]] {
        let tree = server.command(how).await?;
        for said in [
            "work `k`",
            "(refuse@",
            "retry at attempt 1",
            "dead_letter at attempt 2",
        ] {
            ensure!(tree.contains(said), "no {said} in {tree}");
        }
        ensure!(!tree.contains("other"), "{tree}");
    }
    let shown = server.command(&["message", "show", flow, "--json"]).await?;
    let shown: Value = serde_json::from_str(&shown)?;
    assert_eq!(shown["message"]["body"], "x");

    let page = [
        "message", "list", "--topic", "work", "--limit", "1", "--json",
    ];
    let page: Value = serde_json::from_str(&server.command(&page).await?)?;
    assert_eq!(page["messages"][0]["message"]["key"], "other");
    let next = page["next"].as_str().context("more")?;
    let rest = ["message", "list", "--topic", "work", "--after", next];
    let rest = server.command(&rest).await?;
    ensure!(rest.contains(flow) && !rest.contains("other"), "{rest}");
    let at = page["messages"][0]["at"].as_str().context("a time")?;
    let before = ["message", "list", "--topic", "work", "--to", at];
    let before = server.command(&before).await?;
    ensure!(!before.contains("other"), "{before}");
    let since = ["message", "list", "--topic", "work", "--from", at];
    ensure!(server.command(&since).await?.contains("other"));
    Ok(())
}

/// What is not there is told apart from what is wrong.
async fn nothing_comes_of_nonsense(api: &Client) -> Result<()> {
    use StatusCode as S;
    let unknown = "0".repeat(32);
    for (path, status) in [
        (format!("/v1/messages/{unknown}"), S::NOT_FOUND),
        (format!("/v1/traces/{unknown}"), S::NOT_FOUND),
        ("/v1/traces?key=nobody".to_owned(), S::NOT_FOUND),
        ("/v1/traces".to_owned(), S::BAD_REQUEST),
        ("/v1/messages/7".to_owned(), S::BAD_REQUEST),
        ("/v1/messages?limit=0".to_owned(), S::BAD_REQUEST),
        ("/v1/messages?from=today".to_owned(), S::BAD_REQUEST),
        ("/v1/messages?after=1.2".to_owned(), S::BAD_REQUEST),
        ("/v1/messages?keys=k".to_owned(), S::BAD_REQUEST),
        ("/v1/messages?key=nobody".to_owned(), S::OK),
    ] {
        let reply = api.get(&path).await?;
        assert_eq!(reply.status, status, "{path}: {reply}");
    }
    let refused = api
        .send(Method::DELETE, "/v1/messages", Default::default())
        .await?;
    assert_eq!(refused.status, S::METHOD_NOT_ALLOWED);
    Ok(())
}

/// The id of the flow's dead letter.
async fn letter(server: &Server, flow: &str) -> Result<String> {
    let letters = server.data_api().get("/v1/dead-letters").await?.success()?;
    let letters: Value = letters.json()?;
    let mut letters = letters["dead_letters"]
        .as_array()
        .context("letters")?
        .iter();
    let letter = letters.find(|it| it["message"]["correlation"] == *flow);
    let id = letter.and_then(|letter| letter["id"].as_str());
    Ok(id.context("the flow's letter")?.to_owned())
}
