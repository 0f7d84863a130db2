//! Splitting bytes of any length into chunks that sled keeps in its log, and joining them again.
//!
//! The first chunk begins with the number of chunks, the length and a checksum of the whole, so
//! that a joined value is known to be the one that was split.

use bytes::{Bytes, BytesMut};
use xxhash_rust::xxh3::xxh3_64;

/// The most bytes of one chunk, header included. sled moves a value out of its log into a file
/// of its own, which it never syncs, when a node (up to 19 values) exceeds a quarter of a segment.
pub(crate) const CHUNK_BYTES_MAX: usize = 48 * 1024;
const HEADER_BYTES: usize = 4 + 8 + 8;
/// The most bytes that one chunk holds.
pub(crate) const ONE_CHUNK_BYTES_MAX: usize = CHUNK_BYTES_MAX - HEADER_BYTES;

/// What the first chunk says about the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// How many chunks there are, the first included.
    pub(crate) chunks: u32,
    len: u64,
    checksum: u64,
}

/// Why chunks do not amount to what was split.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Damage {
    #[error("chunk {0} is missing")]
    Missing(u32),
    #[error("its first chunk has no header")]
    NoHeader,
    #[error("it has {found} bytes instead of {expected}")]
    Length { found: u64, expected: u64 },
    #[error("its checksum differs")]
    Checksum,
}

/// Splits `bytes` into at least one chunk, numbered from 0.
pub(crate) fn split(bytes: &[u8]) -> Vec<(u32, Vec<u8>)> {
    let (head, rest) = bytes.split_at(bytes.len().min(ONE_CHUNK_BYTES_MAX));
    let count = 1 + rest.len().div_ceil(CHUNK_BYTES_MAX);
    let mut first = Vec::with_capacity(HEADER_BYTES + head.len());
    first.extend(
        u32::try_from(count)
            .expect("fewer than 200 TB")
            .to_le_bytes(),
    );
    first.extend((bytes.len() as u64).to_le_bytes());
    first.extend(xxh3_64(bytes).to_le_bytes());
    first.extend(head);
    let chunks = std::iter::once(first).chain(rest.chunks(CHUNK_BYTES_MAX).map(<[u8]>::to_vec));
    (0..).zip(chunks).collect()
}

/// Reads the header in front of `first`.
pub(crate) fn header(first: &[u8]) -> Result<Header, Damage> {
    let (chunks, rest) = first.split_first_chunk().ok_or(Damage::NoHeader)?;
    let (len, rest) = rest.split_first_chunk().ok_or(Damage::NoHeader)?;
    let (checksum, _) = rest.split_first_chunk().ok_or(Damage::NoHeader)?;
    Ok(Header {
        chunks: u32::from_le_bytes(*chunks),
        len: u64::from_le_bytes(*len),
        checksum: u64::from_le_bytes(*checksum),
    })
}

/// Joins `first` with the chunks that `next` finds, and checks that nothing is amiss.
pub(crate) fn join<E: From<Damage>>(
    first: &[u8],
    mut next: impl FnMut(u32) -> Result<Option<sled::IVec>, E>,
) -> Result<Bytes, E> {
    let header = header(first)?;
    // A damaged header must not make us reserve what it says.
    let mut whole = BytesMut::from(&first[HEADER_BYTES..]);
    for chunk in 1..header.chunks {
        whole.extend_from_slice(&next(chunk)?.ok_or(Damage::Missing(chunk))?);
    }
    if whole.len() as u64 != header.len {
        return Err(Damage::Length {
            found: whole.len() as u64,
            expected: header.len,
        }
        .into());
    }
    if xxh3_64(&whole) != header.checksum {
        return Err(Damage::Checksum.into());
    }
    Ok(whole.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejoin(chunks: &[(u32, Vec<u8>)]) -> Result<Bytes, Damage> {
        join(&chunks[0].1, |n| {
            Ok(chunks
                .iter()
                .find(|chunk| chunk.0 == n)
                .map(|chunk| chunk.1.as_slice().into()))
        })
    }

    #[test]
    fn lengths_around_a_chunk_come_back() {
        for len in [
            0,
            1,
            CHUNK_BYTES_MAX - HEADER_BYTES,
            CHUNK_BYTES_MAX,
            3 * CHUNK_BYTES_MAX + 7,
        ] {
            let bytes: Vec<u8> = (0..len).map(|i| (i % 251) as u8).collect();
            let chunks = split(&bytes);
            assert!(chunks.iter().all(|chunk| chunk.1.len() <= CHUNK_BYTES_MAX));
            assert_eq!(rejoin(&chunks).unwrap(), bytes);
        }
    }

    #[test]
    fn damage_is_told_apart() {
        let mut chunks = split(&[7; 100_000]);
        chunks[1].1[5] ^= 1;
        assert_eq!(rejoin(&chunks), Err(Damage::Checksum));
        chunks[1].1.pop();
        assert_eq!(
            rejoin(&chunks),
            Err(Damage::Length {
                found: 99_999,
                expected: 100_000
            })
        );
        chunks.pop();
        assert_eq!(rejoin(&chunks), Err(Damage::Missing(2)));
        chunks[0].1.truncate(10);
        assert_eq!(rejoin(&chunks), Err(Damage::NoHeader));
    }
}
