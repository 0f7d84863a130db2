//! How long it takes to find a message in a log that is as long as it is kept.

use std::time::Instant;

use anyhow::{Result, ensure};
use bytes::Bytes;
use serde_json::{Value, json};
use wasmill_model::Millis;
use wasmill_service::story::Filter;

use crate::calls::drained;
use crate::host::{Host, message};

/// The key of the message that is looked for.
const SOUGHT: &str = "sought";

/// Milliseconds of look-ups behind `count` handled messages over 10,000 keys: a message's story,
/// all flows of a key, and the newest messages of a key that has one.
pub(crate) async fn measure(count: u64) -> Result<Value> {
    let host = Host::start(true).await?;
    host.feed(count, 10_000, 1_024).await?;
    let sought = message(SOUGHT.into(), Bytes::from_static(b"x"));
    let id = host.handle.accept(sought).await?.message;
    drained(&host).await?;

    let begun = Instant::now();
    let story = host.handle.message_story(id).await?;
    let story_ms = begun.elapsed().as_millis();
    ensure!(story.stories.len() == 1, "one message: {story:?}");

    let begun = Instant::now();
    let flows = host.handle.key_story(&SOUGHT.into()).await?;
    let key_ms = begun.elapsed().as_millis();
    ensure!(flows.stories.len() == 2, "it and what it sent: {flows:?}");

    let filter = Filter {
        key: Some(SOUGHT.into()),
        topic: None,
        correlation: None,
        from: Millis(0),
        to: Millis::MAX,
    };
    let begun = Instant::now();
    let page = host.handle.find_messages(filter, None, 100).await?;
    let find_ms = begun.elapsed().as_millis();
    ensure!(page.messages.len() == 1, "one message: {page:?}");
    host.stop().await?;
    Ok(json!({
        "look_up.story_ms": story_ms,
        "look_up.key_ms": key_ms,
        "look_up.find_ms": find_ms,
    }))
}
