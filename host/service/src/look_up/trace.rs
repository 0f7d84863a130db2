//! The stories of a message, and of all messages of a flow.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use wasmill_engine::codec;
use wasmill_engine::story::{Filter, Story, Teller, Wanted};
use wasmill_model::{MessageId, Millis, Name, Record};
use wasmill_port::Guests;
use wasmill_port::store::Error;

use super::find::Finding;
use super::reading::{Extent, Reading};
use super::{ANSWER_BYTES_MAX, LookUpError};
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
    /// The story of a message, with its body; none of it if it is not in the log.
    ///
    /// # Errors
    /// [`LookUpError`] if the log could not be read.
    pub async fn message_story(&self, id: MessageId) -> Result<Told, LookUpError> {
        self.read_log(move |reading| tell(reading, Wanted::Message(id)))
            .await
    }

    /// The stories of all messages with this correlation id.
    ///
    /// # Errors
    /// [`LookUpError`] if the log could not be read.
    pub async fn flow_story(&self, correlation: MessageId) -> Result<Told, LookUpError> {
        self.read_log(move |reading| tell(reading, Wanted::Flows([correlation].into())))
            .await
    }

    /// The stories of all flows with a message of this key.
    ///
    /// # Errors
    /// [`LookUpError`] if the log could not be read.
    pub async fn key_story(&self, key: &Name) -> Result<Told, LookUpError> {
        let key = key.clone();
        self.read_log(move |reading| {
            let flows = flows(reading, key)?;
            tell(reading, Wanted::Flows(flows))
        })
        .await
    }
}

/// The newest flows with a message of a key.
fn flows(reading: &mut Reading, key: Name) -> Result<BTreeSet<MessageId>, Error> {
    let filter = Filter {
        key: Some(key),
        topic: None,
        correlation: None,
        from: Millis(0),
        to: Millis::MAX,
    };
    let mut finding = Finding::new(filter, None, FOUND_MAX);
    finding.read(reading)?;
    let mut flows = BTreeSet::new();
    reading.extent.cut_short |= finding.page.next.is_some();
    for found in finding.page.messages {
        if flows.len() == FLOWS_MAX && !flows.contains(&found.message.correlation) {
            reading.extent.cut_short = true;
            break;
        }
        flows.insert(found.message.correlation);
    }
    Ok(flows)
}

fn tell(reading: &mut Reading, wanted: Wanted) -> Result<Told, Error> {
    let kept = reading.kept.clone();
    let mut teller = Teller::new(wanted, move |message| kept.has(message), ANSWER_BYTES_MAX);
    reading.forward(|_, block| {
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
