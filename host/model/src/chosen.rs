//! Messages that one version of a plugin handles, whichever serves: an operator chose it for them.
//!
//! The choice is a header of the host's own, so the message has it wherever it is kept, and it is as
//! durable as the message. Senders cannot set it, and nobody sees it among the headers.

use std::sync::Arc;

use crate::{Message, Name};

/// The header that names the version. It is a message's first, if the message has it.
const HEADER: &str = "\0version";

/// Whether a header of this name is the host's own to set.
#[must_use]
pub fn is_reserved(header: &str) -> bool {
    header.starts_with('\0')
}

impl Message {
    /// The content hash of the version that alone handles the message; none if that is the one that
    /// serves.
    #[must_use]
    pub fn chosen_version(&self) -> Option<&Name> {
        let (name, version) = self.headers.first()?;
        (*name == *HEADER).then_some(version)
    }

    /// The headers that its sender set.
    #[must_use]
    pub fn sent_headers(&self) -> &[(Name, Name)] {
        let own = usize::from(self.chosen_version().is_some());
        &self.headers[own..]
    }

    /// The same message, for the version with this content hash alone, or for the one that serves.
    #[must_use]
    pub fn chosen_for(self: &Arc<Self>, version: Option<&Name>) -> Arc<Self> {
        if self.chosen_version() == version {
            return self.clone();
        }
        let chosen = version.map(|version| (HEADER.into(), version.clone()));
        let sent = self.sent_headers().iter().cloned();
        Arc::new(Self {
            headers: chosen.into_iter().chain(sent).collect(),
            ..Self::clone(self)
        })
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::{MessageId, Millis};

    #[test]
    fn a_choice_is_replaced_and_withdrawn_and_leaves_the_senders_headers() {
        let sent = vec![("a".into(), "b".into())];
        let plain = Arc::new(Message {
            id: MessageId(1),
            topic: "t".into(),
            key: None,
            tag: None,
            headers: sent.clone(),
            body: Bytes::new(),
            produced_at: Millis(1),
            correlation: MessageId(1),
            causation: None,
            timer: None,
        });
        assert_eq!(
            (plain.chosen_version(), plain.sent_headers()),
            (None, &*sent)
        );
        for version in ["one", "two"] {
            let version = Name::from(version);
            let chosen = plain.chosen_for(Some(&version));
            assert_eq!(chosen.chosen_version(), Some(&version));
            assert_eq!(chosen.sent_headers(), sent);
            assert_eq!(chosen.headers.len(), 2);
            assert_eq!(chosen.chosen_for(None), plain);
        }
        assert!(is_reserved(HEADER) && !is_reserved("version"));
    }
}
