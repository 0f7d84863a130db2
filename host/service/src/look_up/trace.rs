//! The stories of a message, and of all messages of a flow.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use wasmill_engine::codec;
use wasmill_engine::story::{Filter, Sought, Story, Teller, Waiting, Wanted};
use wasmill_model::{Message, MessageId, Millis, Name, Record};
use wasmill_port::Guests;
use wasmill_port::store::Error;

use super::find::FoundPage;
use super::reading::{Extent, Reading};
use super::waiting::Scanned;
use super::{ANSWER_BYTES_MAX, LookUp, LookUpError};
use crate::handle::Handle;

/// Flows of a key that are told of: the newest.
const FLOWS_MAX: usize = 32;
/// Messages of a key that are looked at for their flows.
const FOUND_MAX: usize = 10_000;

/// Stories.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// As a tree: each story after that of the message that caused it, with its depth.
    pub stories: Vec<(usize, Story)>,
    /// How far the log could be read for these stories.
    pub extent: Extent,
    /// Whether there are, or may be, more flows than these. It says nothing of the stories that are
    /// told: they may be whole.
    pub left_out: bool,
}

impl<G: Guests> Handle<G> {
    /// The story of a message, with its body; none of it if it is not in the log and waits for nothing.
    ///
    /// # Errors
    /// [`LookUpError`] if the log could not be read.
    pub async fn message_story(&self, id: MessageId) -> Result<Told, LookUpError> {
        self.look_up()?.tell(Wanted::Message(id)).await
    }

    /// The stories of all messages with this correlation id.
    ///
    /// # Errors
    /// [`LookUpError`] if the log could not be read.
    pub async fn flow_story(&self, correlation: MessageId) -> Result<Told, LookUpError> {
        self.look_up()?
            .tell(Wanted::Flows([correlation].into()))
            .await
    }

    /// The stories of the newest flows with a message of this key: at most 32.
    ///
    /// # Errors
    /// [`LookUpError`] if the log could not be read.
    pub async fn key_story(&self, key: &Name) -> Result<Told, LookUpError> {
        let look_up = self.look_up()?;
        let Flows { newest, left_out } = look_up.flows(key.clone()).await?;
        let told = look_up.tell(Wanted::Flows(newest)).await?;
        Ok(Told { left_out, ..told })
    }
}

/// The flows of a key that are told of.
#[derive(Debug, PartialEq, Eq)]
struct Flows {
    /// By their correlation ids.
    newest: BTreeSet<MessageId>,
    /// Whether there are, or may be, more.
    left_out: bool,
}

impl Flows {
    /// Those of the messages of a page, which has them newest first.
    fn of(page: &FoundPage) -> Self {
        let mut newest = BTreeSet::new();
        let mut left_out = page.extent.cut_short || page.next.is_some();
        for found in &page.messages {
            let flow = found.message.correlation;
            if newest.len() == FLOWS_MAX && !newest.contains(&flow) {
                left_out = true;
                break;
            }
            newest.insert(flow);
        }
        Self { newest, left_out }
    }
}

impl<G: Guests> LookUp<'_, G> {
    /// The newest flows with a message of a key.
    async fn flows(&self, key: Name) -> Result<Flows, LookUpError> {
        let filter = Filter {
            key: Some(key),
            topic: None,
            correlation: None,
            from: Millis(0),
            to: Millis::MAX,
        };
        let page = self.find(filter, None, FOUND_MAX).await?;
        Ok(Flows::of(&page))
    }

    async fn tell(&self, wanted: Wanted) -> Result<Told, LookUpError> {
        let scanned = self.scan(Sought::of_stories(&wanted)).await?;
        self.read(move |reading| tell(reading, wanted, scanned))
            .await
    }
}

fn tell(reading: &mut Reading, wanted: Wanted, scanned: Option<Scanned>) -> Result<Told, Error> {
    let waiting = match scanned {
        Some(scanned) => scanned.settled(reading)?,
        None => None,
    };
    let (kept, waits) = (reading.kept.clone(), waiting.as_ref().map(Waiting::ids));
    // What still waits is told, however old it is.
    let waits = waits.unwrap_or_default();
    let is_kept = move |message: &Message| kept.has(message) || waits.contains(&message.id);
    let mut teller = Teller::new(wanted, is_kept, ANSWER_BYTES_MAX);
    if let Some(waiting) = waiting {
        reading.extent.cut_short |= waiting.next().is_some();
        teller = teller.with_waiting(waiting);
    }
    reading.forward(0, |_, block| {
        if !teller.wants_block(block) {
            return Ok(ControlFlow::Continue(()));
        }
        let at = codec::header(block)?.at;
        for encoded in codec::encoded_records(block)? {
            let encoded = encoded?;
            if teller.wants(encoded) {
                teller.read(at, &codec::decode::<Record>(encoded)?);
            }
        }
        Ok(match teller.is_full() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        })
    })?;
    reading.extent.cut_short |= teller.is_full();
    Ok(Told {
        stories: teller.finish(),
        extent: reading.extent.clone(),
        left_out: false,
    })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use wasmill_engine::story::{Found, Place, Stored};

    use super::*;

    /// A page with two messages of each of so many flows, newest first.
    fn page(flows: usize) -> FoundPage {
        let found = |nth: usize| {
            let id = MessageId(u128::MAX - nth as u128);
            let place = Place::Logged {
                block: (2 * flows - nth) as u64,
                record: 0,
                op: 0,
            };
            let message = Message {
                id,
                topic: "t".into(),
                key: Some("k".into()),
                tag: None,
                headers: Vec::new(),
                body: Bytes::new(),
                produced_at: Millis(0),
                correlation: MessageId((nth % flows) as u128),
                causation: None,
                timer: None,
            };
            Found {
                place,
                at: Millis(0),
                as_what: Stored::Sent,
                message,
                body_bytes: 0,
            }
        };
        FoundPage {
            messages: (0..2 * flows).map(found).collect(),
            ..FoundPage::default()
        }
    }

    #[test]
    fn the_newest_flows_of_a_key_are_told_and_whether_there_are_more() {
        for (flows, left_out) in [(1, false), (FLOWS_MAX, false), (FLOWS_MAX + 1, true)] {
            let newest = (0..flows.min(FLOWS_MAX) as u128).map(MessageId).collect();
            assert_eq!(Flows::of(&page(flows)), Flows { newest, left_out });
        }
    }

    #[test]
    fn there_may_be_more_flows_behind_a_page_that_does_not_end_the_log() {
        let whole = page(1);
        let next = Some(whole.messages[0].place);
        let mut cut_short = whole.clone();
        cut_short.extent.cut_short = true;
        for page in [FoundPage { next, ..whole }, cut_short] {
            assert!(Flows::of(&page).left_out);
        }
    }
}
