//! Patterns of `LIKE`.

use std::str::Chars;

/// A pattern, piece by piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Vec<Piece>);

/// A piece of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// `%`: any characters, or none.
    Any,
    /// `_`: any one character.
    One,
    /// This character.
    Char(char),
}

impl Pattern {
    /// A pattern of these pieces.
    #[must_use]
    pub fn new(pieces: Vec<Piece>) -> Self {
        Self(pieces)
    }

    /// Whether all of `text` is like the pattern. Takes the product of their lengths at most.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let (mut rest, mut at) = (text.chars(), 0);
        // Where the last `%` began to match, and the piece after it: it may have to take more.
        let mut retry: Option<(Chars<'_>, usize)> = None;
        loop {
            match self.0.get(at) {
                Some(Piece::Any) => {
                    at += 1;
                    retry = Some((rest.clone(), at));
                    continue;
                }
                Some(piece) => {
                    let mut ahead = rest.clone();
                    if ahead.next().is_some_and(|char| piece.accepts(char)) {
                        (rest, at) = (ahead, at + 1);
                        continue;
                    }
                }
                None if rest.as_str().is_empty() => return true,
                None => {}
            }
            let Some((from, after)) = &mut retry else {
                return false;
            };
            if from.next().is_none() {
                return false;
            }
            (rest, at) = (from.clone(), *after);
        }
    }
}

impl Piece {
    fn accepts(self, char: char) -> bool {
        match self {
            Self::Any | Self::One => true,
            Self::Char(own) => own == char,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn like(text: &str, pattern: &str) -> bool {
        let pieces = pattern.chars().map(|char| match char {
            '%' => Piece::Any,
            '_' => Piece::One,
            char => Piece::Char(char),
        });
        Pattern::new(pieces.collect()).matches(text)
    }

    #[test]
    fn a_pattern_matches_all_of_a_text() {
        for (text, pattern) in [
            ("", ""),
            ("", "%"),
            ("eu-west-1", "eu-%"),
            ("eu-west-1", "%west%"),
            ("aab", "%ab"),
            ("abcabd", "%ab_"),
            ("größe", "gr__e"),
            ("a%", "a%"),
        ] {
            assert!(like(text, pattern), "{text} like {pattern}");
        }
        for (text, pattern) in [
            ("a", ""),
            ("", "_"),
            ("eu-west-1", "eu"),
            ("abc", "%b"),
            ("EU", "eu"),
            ("aaaa", "%b%"),
        ] {
            assert!(!like(text, pattern), "{text} like {pattern}");
        }
    }
}
