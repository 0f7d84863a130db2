//! Quotes: a price that `stock` sets is broadcast to the host's own list, from which `order` quotes;
//! the list outlives a SIGKILL, and what cannot be quoted is refused for what it is.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use hyper::StatusCode;
use serde_json::{Value, json};
use testkit::books::Plan;
use testkit::client::Reply;
use testkit::provider::Policy;
use testkit::shop::{NewStock, Shop};

use crate::world::World;

const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn a_price_is_quoted_from_the_hosts_list_changes_and_outlives_a_sigkill() -> Result<()> {
    let mut world = World::with(&Plan::default(), Policy::honest(), "30m").await?;
    let shop = world.scene.shop.clone();
    put(&shop, "mug", 1_200).await?;
    quoted(&shop, "mug", 1_200).await?;
    let quote = ask(&shop, "sku=mug&quantity=2").await?.success()?;
    let expected = json!({
        "sku": "mug", "quantity": 2, "unit_price": 1_200, "goods_amount": 2_400,
        "shipping_fee": 1_000, "pay_amount": 3_400,
    });
    assert_eq!(quote.json::<Value>()?, expected);

    put(&shop, "mug", 900).await?;
    quoted(&shop, "mug", 900).await?;

    world.scene.server.kill().await?;
    world.scene.server.start_again().await?;
    // The list is durable: it is not asked for anew.
    let quote = ask(&shop, "sku=mug").await?.success()?.json::<Value>()?;
    assert_eq!(quote["unit_price"], 900, "{quote}");
    put(&shop, "mug", 1_000).await?;
    put(&shop, "cup", 400).await?;
    quoted(&shop, "mug", 1_000).await?;
    quoted(&shop, "cup", 400).await?;

    world.scene.server.stop().await?;
    world.scene.server.start_again().await?;
    let quote = ask(&shop, "sku=cup").await?.success()?.json::<Value>()?;
    assert_eq!(quote["unit_price"], 400, "{quote}");
    Ok(())
}

/// Each host's list is of its own: `stock` is not asked.
#[tokio::test(flavor = "multi_thread")]
async fn a_quote_needs_no_stock_plugin() -> Result<()> {
    let world = World::with(&Plan::default(), Policy::honest(), "30m").await?;
    let shop = &world.scene.shop;
    put(shop, "mug", 1_200).await?;
    quoted(shop, "mug", 1_200).await?;
    world.scene.installation.remove_plugin("stock")?;
    let begun = Instant::now();
    while shop.http.get("/stock/mug").await?.status.is_success() {
        ensure!(begun.elapsed() < PATIENCE, "stock is still there");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    quoted(shop, "mug", 1_200).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_quoted_is_refused_for_what_it_is() -> Result<()> {
    let world = World::with(&Plan::default(), Policy::honest(), "30m").await?;
    let shop = &world.scene.shop;
    put(shop, "mug", 1_200).await?;
    quoted(shop, "mug", 1_200).await?;

    let problem = problem(&ask(shop, "sku=nothing").await?, StatusCode::NOT_FOUND)?;
    assert_eq!(
        problem["detail"],
        "there is no such price of this SKU (yet)"
    );
    for quantity in ["0", "-1", "10001", "two", "", "1.5"] {
        let reply = ask(shop, &format!("sku=mug&quantity={quantity}")).await?;
        let problem = self::problem(&reply, StatusCode::BAD_REQUEST)?;
        assert_eq!(problem["field"], "quantity");
        assert_eq!(problem["detail"], "a quote is for 1 to 10000 pieces");
    }
    let reply = ask(shop, "quantity=1").await?;
    let problem = self::problem(&reply, StatusCode::BAD_REQUEST)?;
    assert!(problem["detail"].to_string().contains("sku"), "{problem}");
    Ok(())
}

async fn put(shop: &Shop, sku: &str, unit_price: u64) -> Result<()> {
    let stock = NewStock {
        unit_price,
        initial: 5,
    };
    shop.put_stock(sku, &stock).await
}

async fn ask(shop: &Shop, query: &str) -> Result<Reply> {
    let path = format!("/quote?{query}");
    shop.http.get(&path).await
}

/// Asks until the list has this price: it is told of it soon after.
async fn quoted(shop: &Shop, sku: &str, unit_price: u64) -> Result<()> {
    let begun = Instant::now();
    loop {
        let reply = ask(shop, &format!("sku={sku}")).await?;
        if reply.status == StatusCode::OK && reply.json::<Value>()?["unit_price"] == unit_price {
            return Ok(());
        }
        ensure!(begun.elapsed() < PATIENCE, "{sku} is quoted as {reply}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn problem(reply: &Reply, status: StatusCode) -> Result<Value> {
    assert_eq!(reply.status, status, "{reply}");
    assert_eq!(reply.headers["content-type"], "application/problem+json");
    reply.json()
}
