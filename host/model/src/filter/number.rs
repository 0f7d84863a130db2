//! Numbers as filters compare them: whole ones exactly, others as floating point.

use std::cmp::Ordering;

/// A number of a condition or of a header.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// Of 64 bits.
    Whole(i64),
    /// Finite.
    Real(f64),
}

impl Number {
    /// Reads `-12`, `3.25` or `1e9`: what has no point and no exponent, and fits 64 bits, is whole.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(whole) = text.parse() {
            return Some(Self::Whole(whole));
        }
        // `inf` and `nan` are words, and no numbers of anybody's headers.
        if !text
            .bytes()
            .all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b))
        {
            return None;
        }
        let real: f64 = text.parse().ok()?;
        real.is_finite().then_some(Self::Real(real))
    }

    /// How this number stands to another one: exact, whichever they are.
    #[must_use]
    pub fn order(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Whole(a), Self::Whole(b)) => a.cmp(&b),
            (Self::Real(a), Self::Real(b)) => finite(a, b),
            (Self::Whole(a), Self::Real(b)) => whole_to_real(a, b),
            (Self::Real(a), Self::Whole(b)) => whole_to_real(b, a).reverse(),
        }
    }
}

fn whole_to_real(whole: i64, real: f64) -> Ordering {
    // 2 to the 63rd, which floating point has exactly.
    const END: f64 = 9_223_372_036_854_775_808.0;
    let floor = real.floor();
    if floor >= END {
        return Ordering::Less;
    }
    if floor < -END {
        return Ordering::Greater;
    }
    whole.cmp(&(floor as i64)).then(finite(floor, real))
}

fn finite(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).expect("finite numbers have an order")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_from_words() {
        assert_eq!(Number::parse("-12"), Some(Number::Whole(-12)));
        assert_eq!(Number::parse("+7"), Some(Number::Whole(7)));
        assert_eq!(Number::parse("2.5e1"), Some(Number::Real(25.0)));
        for text in [
            "",
            "-",
            ".",
            "e",
            "nan",
            "inf",
            "-infinity",
            "1e999",
            "0x1",
            "1 ",
            "1,5",
        ] {
            assert_eq!(Number::parse(text), None, "{text}");
        }
    }

    #[test]
    fn neighbours_beyond_the_precision_of_floating_point_are_told_apart() {
        let number = |text| Number::parse(text).expect(text);
        let ascending = [
            "-1e300",
            "-9223372036854775808",
            "-2.5",
            "-2",
            "0",
            "0.5",
            "9007199254740992",
            "9007199254740993",
            "9223372036854775807",
            "9223372036854775808",
            "1e19",
        ];
        for (i, a) in ascending.iter().enumerate() {
            for (j, b) in ascending.iter().enumerate() {
                assert_eq!(number(a).order(number(b)), i.cmp(&j), "{a} and {b}");
            }
        }
        assert_eq!(number("2.0").order(number("2")), Ordering::Equal);
    }
}
