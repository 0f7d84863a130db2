//! Why messages from outside are refused, as topics count it.

/// Why a message from outside was refused. A cause's number is its place in the counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalCause {
    /// Over the topic's messages a second.
    Messages,
    /// Over the topic's bytes a second.
    Bytes,
    /// As many messages as may are pending in one of its subscriptions.
    Pending,
    /// A part of the message is over its limit.
    Limit,
    /// The producer's id was used for another content.
    Conflict,
    /// The message is not of the form it must have.
    Malformed,
    /// There is no room for another half message.
    Transactions,
}

impl RefusalCause {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 7] = [
        Self::Messages,
        Self::Bytes,
        Self::Pending,
        Self::Limit,
        Self::Conflict,
        Self::Malformed,
        Self::Transactions,
    ];

    /// The cause in a word: for a quota its key in the routes file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Messages => "messages_per_second",
            Self::Bytes => "bytes_per_second",
            Self::Pending => "pending_max",
            Self::Limit => "limit",
            Self::Conflict => "conflict",
            Self::Malformed => "malformed",
            Self::Transactions => "transactions",
        }
    }
}

// A cause's number is its place in what is counted by cause.
const _: () = {
    let mut at = 0;
    while at < RefusalCause::ALL.len() {
        assert!(RefusalCause::ALL[at] as usize == at);
        at += 1;
    }
};
