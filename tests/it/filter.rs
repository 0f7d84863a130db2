//! A subscription with a condition: what does not meet it never reaches the plugin.

use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};
use testkit::{artifacts, metrics};

use crate::world::Host;

const ROUTES: &str = r#"
[topics]
"work" = {}
"counted" = {}

[subscriptions.large]
topic = "work"
plugin = "counter"
filter = "amount > 100 AND region IN ('eu', 'uk') AND TAGS IS NULL"

[subscriptions.last]
topic = "work"
plugin = "counter"
filter = "KEYS = 'k' AND final = TRUE"
"#;

const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_does_not_meet_the_condition_never_reaches_the_plugin() -> Result<()> {
    let mut host = Host::with(ROUTES, &["counter"]).await?;
    let server = &mut host.server;
    for headers in [
        ["amount=100", "region=eu"],
        ["amount=much", "region=eu"],
        ["amount=250", "region=us"],
        ["amount=250", "other=eu"],
        ["amount=250.5", "region=uk"],
    ] {
        let [first, second] = headers;
        let send = [
            "send", "work", "--key", "k", "--header", first, "--header", second,
        ];
        server.command(&send).await?;
    }
    // A plugin handles the messages of a key in their order, whichever subscription has them.
    let last = ["send", "work", "--key", "k", "--header", "final=true"];
    server.command(&last).await?;
    metrics::reached(&server.client(), "messages_handled_total", 2.0, PATIENCE).await?;
    assert_eq!(
        metrics::read(&server.client(), "messages_handled_total").await?,
        2.0
    );

    // A slip is found before it does harm.
    let broken = ROUTES.replace("final = TRUE", "final > 'x'");
    std::fs::write(&host.installation.routes, broken)?;
    let checked = Command::new(artifacts::program("wasmill")?)
        .args(["check", "--routes"])
        .arg(&host.installation.routes)
        .output()?;
    let said = String::from_utf8_lossy(&checked.stderr);
    ensure!(!checked.status.success(), "{said}");
    ensure!(
        said.contains("subscriptions.last.filter") && said.contains("only numbers have an order"),
        "{said}"
    );
    server.stop().await
}
