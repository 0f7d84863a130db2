//! Requests that must not come in: too large, malformed, unsigned.

use anyhow::Result;
use bytes::Bytes;
use hyper::{Method, StatusCode};
use testkit::books::Plan;
use testkit::provider::Policy;

use crate::world::World;

/// 100 MiB.
const HUGE: usize = 100 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn a_huge_body_a_wrong_field_and_a_forged_callback_are_refused_for_what_they_are()
-> Result<()> {
    let world = World::with(&Plan::default(), Policy::honest(), "30m").await?;
    let http = &world.scene.shop.http;

    // The host may answer and close before it has read all that it will not take.
    match http
        .send(Method::POST, "/orders", Bytes::from(vec![b' '; HUGE]))
        .await
    {
        Ok(reply) => assert_eq!(reply.status, StatusCode::PAYLOAD_TOO_LARGE, "{reply}"),
        Err(error) => panic!("no answer to a huge body: {error:#}"),
    }
    let resident = world.scene.server.resident_mb()?;
    println!("resident after a body of 100 MiB: {resident} MB");

    let order = r#"{"user_id":"ann","items":[{"sku":"a","quantity":1}],"coupon":"x"}"#;
    let reply = http
        .send(Method::POST, "/orders", Bytes::from(order))
        .await?;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    assert_eq!(reply.headers["content-type"], "application/problem+json");
    assert_eq!(reply.json::<serde_json::Value>()?["field"], "coupon");

    let callback = r#"{"payment_id":"p","charge_id":"c","state":"succeeded","amount":1}"#;
    let forged = [("x-signature", "sha256=00")];
    let reply = http
        .request(
            Method::POST,
            "/payments/callback",
            &forged,
            Bytes::from(callback),
        )
        .await?;
    assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
    Ok(())
}
