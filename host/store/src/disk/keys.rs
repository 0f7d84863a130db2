//! The keys of log and view. Their first byte tells what they are; numbers are big-endian, so
//! that the tree's order is theirs.

/// The most bytes of a view's key. A node holds up to 256 keys and must fit in sled's log.
pub const KEY_BYTES_MAX: usize = 2048;

/// The log's last epoch.
pub(super) const EPOCH: &[u8] = b"e";
/// The first block that was not trimmed.
pub(super) const TRIMMED: &[u8] = b"t";
/// The view key whose chunks are about to change.
pub(super) const SETTLING: &[u8] = b"s";
/// First bytes of the other keys.
const BLOCK: u8 = b'b';
const JOURNAL: u8 = b'j';
const VALUE: u8 = b'v';
const CHUNK: u8 = b'w';
/// All blocks.
pub(super) const BLOCKS: &[u8] = &[BLOCK];
/// All chunks of a checkpoint's journal.
pub(super) const JOURNALS: &[u8] = &[JOURNAL];
/// All values of the view.
pub(super) const VALUES: &[u8] = &[VALUE];

/// Chunk `chunk` of block `number`.
pub(super) fn block(number: u64, chunk: u32) -> [u8; 13] {
    let mut key = [BLOCK; 13];
    key[1..9].copy_from_slice(&number.to_be_bytes());
    key[9..].copy_from_slice(&chunk.to_be_bytes());
    key
}

/// The number and chunk of a block's key.
pub(super) fn parse_block(key: &[u8]) -> Option<(u64, u32)> {
    let (number, chunk) = key.strip_prefix(BLOCKS)?.split_first_chunk()?;
    Some((
        u64::from_be_bytes(*number),
        u32::from_be_bytes(chunk.try_into().ok()?),
    ))
}

/// Chunk `chunk` of the journal.
pub(super) fn journal(chunk: u32) -> [u8; 5] {
    let mut key = [JOURNAL; 5];
    key[1..].copy_from_slice(&chunk.to_be_bytes());
    key
}

/// The value of the view's `key`, or its first chunk.
pub(super) fn value(key: &[u8]) -> Vec<u8> {
    [VALUES, key].concat()
}

/// All chunks of the view's `key` after the first. The length keeps keys apart of which one
/// begins with the other.
pub(super) fn chunks(key: &[u8]) -> Vec<u8> {
    let len = u16::try_from(key.len()).expect("checked against KEY_BYTES_MAX");
    [&[CHUNK][..], &len.to_be_bytes(), key].concat()
}

/// Chunk `chunk` of the view's `key` in `generation`.
pub(super) fn chunk(key: &[u8], generation: u8, chunk: u32) -> Vec<u8> {
    let mut whole = chunks(key);
    whole.push(generation);
    whole.extend(chunk.to_be_bytes());
    whole
}
