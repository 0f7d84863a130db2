//! What makes a checkpoint atomic: its changes are written to a journal first, and applied from
//! it again when a crash came between.
//!
//! The journal's first chunk is written last and deleted first. Nothing needs to be synced in
//! between, since sled recovers a prefix of what was written.

use bytes::{Buf, Bytes};
use wasmill_port::store::Change;

use super::{database::Cause, keys, view};
use crate::frame;

/// Writes the journal of `changes`.
pub(super) fn write(tree: &sled::Db, changes: &[Change]) -> Result<(), Cause> {
    for (number, chunk) in frame::split(&encode(changes)).into_iter().rev() {
        tree.insert(keys::journal(number), chunk)?;
    }
    Ok(())
}

/// Deletes the journal, once its changes are applied.
pub(super) fn remove(tree: &sled::Db) -> Result<(), Cause> {
    for key in tree.scan_prefix(keys::JOURNALS).keys() {
        tree.remove(key?)?;
    }
    Ok(())
}

/// Applies a journal that was left behind.
pub(super) fn replay(tree: &sled::Db) -> Result<(), Cause> {
    if let Some(first) = tree.get(keys::journal(0))? {
        let read = |chunk| Ok::<_, Cause>(tree.get(keys::journal(chunk))?);
        let changes = decode(frame::join(&first, read)?)
            .ok_or_else(|| Cause::Corrupt("the journal of a checkpoint is malformed".into()))?;
        for change in &changes {
            view::apply(tree, change)?;
        }
    }
    remove(tree)
}

fn encode(changes: &[Change]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let put = |bytes: &mut Vec<u8>, part: &[u8]| {
        bytes.extend((part.len() as u64).to_le_bytes());
        bytes.extend(part);
    };
    for change in changes {
        put(&mut bytes, &change.key);
        bytes.push(u8::from(change.value.is_some()));
        if let Some(value) = &change.value {
            put(&mut bytes, value);
        }
    }
    bytes
}

fn decode(mut bytes: Bytes) -> Option<Vec<Change>> {
    fn part(bytes: &mut Bytes) -> Option<Bytes> {
        let len = usize::try_from(bytes.try_get_u64_le().ok()?).ok()?;
        (len <= bytes.len()).then(|| bytes.split_to(len))
    }
    let mut changes = Vec::new();
    while !bytes.is_empty() {
        let key = part(&mut bytes)?.to_vec();
        let value = match bytes.try_get_u8().ok()? {
            0 => None,
            _ => Some(part(&mut bytes)?),
        };
        changes.push(Change { key, value });
    }
    Some(changes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_come_back_and_a_cut_is_noticed() {
        let changes = vec![
            Change::put(b"a".to_vec(), Bytes::new()),
            Change::delete(vec![0; 300]),
            Change::put(Vec::new(), Bytes::from(vec![1; 70_000])),
        ];
        let bytes = Bytes::from(encode(&changes));
        assert_eq!(decode(bytes.clone()), Some(changes));
        assert_eq!(decode(bytes.slice(..bytes.len() - 1)), None);
    }
}
