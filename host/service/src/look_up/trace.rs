//! The stories of a message, and of all messages of a flow.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use wasmill_engine::codec;
use wasmill_engine::story::{Filter, Sought, Story, Teller, Waiting, Wanted};
use wasmill_model::{Message, MessageId, Millis, Name, Record};
use wasmill_port::Guests;
use wasmill_port::store::Error;

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
    /// How far the log could be read.
    pub extent: Extent,
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

    /// The stories of all flows with a message of this key.
    ///
    /// # Errors
    /// [`LookUpError`] if the log could not be read.
    pub async fn key_story(&self, key: &Name) -> Result<Told, LookUpError> {
        let look_up = self.look_up()?;
        let (flows, cut_short) = look_up.flows(key.clone()).await?;
        let mut told = look_up.tell(Wanted::Flows(flows)).await?;
        told.extent.cut_short |= cut_short;
        Ok(told)
    }
}

impl<G: Guests> LookUp<'_, G> {
    /// The newest flows with a message of a key, and whether there may be more.
    async fn flows(&self, key: Name) -> Result<(BTreeSet<MessageId>, bool), LookUpError> {
        let filter = Filter {
            key: Some(key),
            topic: None,
            correlation: None,
            from: Millis(0),
            to: Millis::MAX,
        };
        let page = self.find(filter, None, FOUND_MAX).await?;
        let mut flows = BTreeSet::new();
        for found in page.messages {
            if flows.len() == FLOWS_MAX && !flows.contains(&found.message.correlation) {
                return Ok((flows, true));
            }
            flows.insert(found.message.correlation);
        }
        Ok((flows, page.extent.cut_short || page.next.is_some()))
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
    })
}
