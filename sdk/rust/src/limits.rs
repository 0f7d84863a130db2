//! The contract's bounds. What is over one is refused with [`Error::Limit`](crate::Error::Limit).

/// Longest name of a state entry, timer, half message or dedup id; it has one byte at least, and
/// no NUL.
pub const NAME_BYTES_MAX: usize = 256;
/// Largest value of a state entry.
pub const STATE_VALUE_BYTES_MAX: usize = 1 << 20;
/// Most entries that one scan returns.
pub const STATE_SCAN_COUNT_MAX: u32 = 1_000;
/// Most bytes of values that one scan returns, except that it returns one entry at least.
pub const STATE_SCAN_BYTES_MAX: usize = 1 << 20;
/// Longest key of a message.
pub const KEY_BYTES_MAX: usize = 256;
/// Longest tag of a message.
pub const TAG_BYTES_MAX: usize = 127;
/// Most headers of a message. An operator may set less for a topic.
pub const HEADERS_COUNT_MAX: usize = 128;
/// Largest sum of a message's header names and values. An operator may set less for a topic.
pub const HEADERS_BYTES_MAX: usize = 16 << 10;
/// Largest body of a message. An operator may set less for a topic.
pub const BODY_BYTES_MAX: usize = 4 << 20;
/// Most messages that one call sends, timers and half messages among them, unless the operator
/// sets another bound.
pub const SENDS_MAX: usize = 1_000;
/// Most bytes that one call sends and writes, unless the operator sets another bound.
pub const EFFECT_BYTES_MAX: usize = 16 << 20;
/// Longest line of the log; a longer one is cut.
pub const LOG_LINE_BYTES_MAX: usize = 8 << 10;
