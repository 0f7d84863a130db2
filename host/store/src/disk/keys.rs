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
const PACK: u8 = b'b';
const SLOT: u8 = b'c';
const JOURNAL: u8 = b'j';
const VALUE: u8 = b'v';
const CHUNK: u8 = b'w';
/// All packs of blocks.
pub(super) const PACKS: &[u8] = &[PACK];
/// All slots.
pub(super) const SLOTS: &[u8] = &[SLOT];
/// All chunks of a checkpoint's journal.
pub(super) const JOURNALS: &[u8] = &[JOURNAL];
/// All values of the view.
pub(super) const VALUES: &[u8] = &[VALUE];

/// The slots of the pack that begins with block `number`.
pub(super) fn pack(number: u64) -> [u8; 9] {
    let mut key = [PACK; 9];
    key[1..].copy_from_slice(&number.to_be_bytes());
    key
}

/// The number in a pack's key.
pub(super) fn parse_pack(key: &[u8]) -> Option<u64> {
    let number = key.strip_prefix(PACKS)?.try_into().ok()?;
    Some(u64::from_be_bytes(number))
}

/// Slot `number`.
pub(super) fn slot(number: u32) -> [u8; 5] {
    let mut key = [SLOT; 5];
    key[1..].copy_from_slice(&number.to_be_bytes());
    key
}

/// The number in a slot's key.
pub(super) fn parse_slot(key: &[u8]) -> Option<u32> {
    let number = key.strip_prefix(SLOTS)?.try_into().ok()?;
    Some(u32::from_be_bytes(number))
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
