//! Mutations: of bytes, of lengths, and of words, which make formats of text go wrong.

use rand::Rng;
use rand::rngs::StdRng;

/// What breaks parsers and arithmetic.
const WORDS: &[&[u8]] = &[
    b"0",
    b"-1",
    b"1e999",
    b"0.1",
    b"18446744073709551615",
    b"18446744073709551616",
    b"9223372036854775808",
    b"null",
    b"true",
    b"\"\"",
    b"[]",
    b"{}",
    b"\"",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"\0",
    b"\r\n",
    b"\xff",
    b"\xf0\x9f\xa6\x80",
    b"%00",
    b"%",
    b"..",
    b"/",
    b"*",
    b"||",
    b"'",
    b"''",
    b"`",
    b"(",
    b")",
    b"=",
    b"[[",
    b"]]",
    b",",
    b":",
    b" ",
    b"1y",
    b"1ns",
];
/// Largest piece that is copied or cut.
const PIECE_BYTES_MAX: usize = 256;

/// Makes inputs of others.
pub(crate) struct Mutator {
    pub(crate) rng: StdRng,
    /// The words of the first inputs.
    words: Vec<Vec<u8>>,
}

impl Mutator {
    pub(crate) fn new(rng: StdRng, first: &[Vec<u8>]) -> Self {
        let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.".contains(byte);
        let words = first
            .iter()
            .flat_map(|input| input.split(|byte| !is_word(byte)));
        let words = words.filter(|word| (2..64).contains(&word.len()));
        let mut words: Vec<Vec<u8>> = words.map(<[u8]>::to_vec).collect();
        words.extend(WORDS.iter().map(|word| word.to_vec()));
        words.sort();
        words.dedup();
        Self { rng, words }
    }

    /// A mutation of `input`, or several, some with pieces of `other`.
    pub(crate) fn mutate(&mut self, mut input: Vec<u8>, other: &[u8]) -> Vec<u8> {
        for _ in 0..1 << self.rng.random_range(0..4) {
            self.mutate_once(&mut input, other);
        }
        input
    }

    fn mutate_once(&mut self, input: &mut Vec<u8>, other: &[u8]) {
        let at = self.rng.random_range(0..=input.len());
        let piece = self.piece(input.len() - at);
        match self.rng.random_range(0..10) {
            0 => flip(input, at, self.rng.random_range(0..8)),
            1 => set(input, at, &[self.rng.random()]),
            2 => set(input, at, &self.number()),
            3 => drop(input.drain(at..at + piece)),
            4 => {
                let copy = input[at..at + piece].to_vec();
                let to = self.rng.random_range(0..=input.len());
                input.splice(to..to, copy);
            }
            5 => {
                let from = self.rng.random_range(0..=other.len());
                let length = self.piece(other.len() - from);
                input.splice(at..at + piece, other[from..from + length].iter().copied());
            }
            6 => input.truncate(at),
            // Twice as likely as the others: what is text fails at words.
            7 | 8 => {
                let word = self.word();
                input.splice(at..at, word);
            }
            _ => {
                let word = self.word();
                let end = input.len().min(at + word.len());
                input.splice(at..end, word);
            }
        }
    }

    /// The length of a piece: short mostly, and of at most `available` bytes.
    fn piece(&mut self, available: usize) -> usize {
        let most = 1 << self.rng.random_range(0..=PIECE_BYTES_MAX.ilog2());
        self.rng.random_range(0..=available.min(most))
    }

    fn word(&mut self) -> Vec<u8> {
        self.words[self.rng.random_range(0..self.words.len())].clone()
    }

    /// A number near a bound, as formats hold it.
    fn number(&mut self) -> Vec<u8> {
        let bound: u64 = 1 << self.rng.random_range(0..64);
        let number = bound
            .wrapping_add(self.rng.random_range(0..3))
            .wrapping_sub(1);
        let length = 1 << self.rng.random_range(0..4);
        number.to_le_bytes()[..length].to_vec()
    }
}

fn flip(input: &mut [u8], at: usize, bit: u32) {
    if let Some(byte) = input.get_mut(at) {
        *byte ^= 1 << bit;
    }
}

fn set(input: &mut [u8], at: usize, bytes: &[u8]) {
    let end = input.len().min(at + bytes.len());
    input[at..end].copy_from_slice(&bytes[..end - at]);
}
