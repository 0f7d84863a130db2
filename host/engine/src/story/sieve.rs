//! Which records are worth decoding: those with one of some texts in them.
//!
//! A log holds hundreds of megabytes, and little of it concerns a message. Looking for the bytes
//! of an id is many times faster than decoding records.

use memchr::memmem::Finder;
use wasmill_model::{MessageId, PartitionId};

/// Texts of which a record must have one.
#[derive(Clone, Debug)]
pub(crate) struct Sieve {
    texts: Vec<Finder<'static>>,
}

impl Sieve {
    /// Holds back what has none of these ids in it.
    pub(crate) fn of_ids<'a>(ids: impl IntoIterator<Item = &'a MessageId>) -> Self {
        let encoded = |id| postcard::to_stdvec(id).expect("an id serialises");
        let texts = ids
            .into_iter()
            .map(|id| Finder::new(&encoded(id)).into_owned());
        Self {
            texts: texts.collect(),
        }
    }

    /// Holds back what does not have this text in it.
    pub(crate) fn of_text(text: &str) -> Self {
        Self {
            texts: vec![Finder::new(text).into_owned()],
        }
    }

    /// Whether encoded records may have what is looked for.
    pub(crate) fn passes(&self, bytes: &[u8]) -> bool {
        self.texts.iter().any(|text| text.find(bytes).is_some())
    }
}

/// The partition of an encoded record: its first field.
pub(crate) fn partition_of(record: &[u8]) -> Option<PartitionId> {
    Some(postcard::take_from_bytes(record).ok()?.0)
}
