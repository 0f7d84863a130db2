//! The first of many things: so many, and so large, that an answer has room for them.

use wasmill_model::{MessageId, Name};

use super::excerpt::Excerpt;

/// Most things that are told of one kind.
const COUNT_MAX: usize = 64;
/// Most bytes that those of one kind have in an answer. The largest single message has fewer: 16 KiB
/// of headers and 4 KiB of body, six bytes for each.
pub(super) const BYTES_MAX: usize = 128 << 10;
/// Bytes of one in an answer besides its own texts: names of fields, ids and times.
const ITEM_BYTES: usize = 640;

/// The first of several things, and how many more there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Few<T> {
    /// The first ones: at most 64.
    pub first: Vec<T>,
    /// How many come after those.
    pub more: u64,
    bytes: usize,
}

impl<T> Default for Few<T> {
    fn default() -> Self {
        Self {
            first: Vec::new(),
            more: 0,
            bytes: 0,
        }
    }
}

impl<T> Few<T> {
    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.first.len() as u64 + self.more
    }

    /// Bytes of an answer with them, at most [`BYTES_MAX`].
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds one, which is made only if it is told.
    pub(super) fn add(&mut self, make: impl FnOnce() -> T)
    where
        T: Written,
    {
        if self.more == 0 && self.first.len() < COUNT_MAX {
            let it = make();
            let bytes = self.bytes + ITEM_BYTES + it.answer_bytes();
            if bytes <= BYTES_MAX {
                self.bytes = bytes;
                self.first.push(it);
                return;
            }
        }
        self.more += 1;
    }
}

/// What answers are made of.
pub(super) trait Written {
    /// How many bytes its texts have in an answer, which is JSON.
    fn answer_bytes(&self) -> usize;
}

impl Written for str {
    fn answer_bytes(&self) -> usize {
        let escaped = |byte| match byte {
            b'"' | b'\\' | b'\n' | b'\r' | b'\t' => 2,
            0..0x20 => 6,
            _ => 1,
        };
        self.bytes().map(escaped).sum()
    }
}

impl Written for String {
    fn answer_bytes(&self) -> usize {
        self.as_str().answer_bytes()
    }
}

impl Written for Name {
    fn answer_bytes(&self) -> usize {
        self.as_str().answer_bytes()
    }
}

impl Written for MessageId {
    fn answer_bytes(&self) -> usize {
        0
    }
}

impl Written for Excerpt {
    fn answer_bytes(&self) -> usize {
        match str::from_utf8(&self.shown) {
            Ok(text) => text.answer_bytes(),
            // As base64.
            Err(_) => self.shown.len().div_ceil(3) * 4,
        }
    }
}

impl<A: Written, B: Written> Written for (A, B) {
    fn answer_bytes(&self) -> usize {
        self.0.answer_bytes() + self.1.answer_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_bounded_by_count_and_by_size_and_the_rest_is_counted() {
        let mut few = Few::default();
        (0..1_000).for_each(|_| few.add(|| "a".to_owned()));
        assert_eq!((few.first.len(), few.more), (COUNT_MAX, 936));
        assert_eq!(few.count(), 1_000);

        let mut few = Few::default();
        for _ in 0..1_000 {
            few.add(|| "\0".repeat(4 << 10));
        }
        assert_eq!((few.first.len(), few.more), (5, 995));
        assert!(few.bytes() <= BYTES_MAX);
        // What follows would be taken for the next one.
        few.add(|| "a".to_owned());
        assert_eq!((few.first.len(), few.more), (5, 996));
    }

    #[test]
    fn what_is_beyond_the_bound_is_not_even_made() {
        let mut few = Few::default();
        let mut made = 0;
        for _ in 0..1_000 {
            few.add(|| {
                made += 1;
                String::new()
            });
        }
        assert_eq!(made, COUNT_MAX);
    }
}
