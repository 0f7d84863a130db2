//! A subscription's condition over a message's headers, tag and key: SQL-92, in three values.
//!
//! The text is read elsewhere, when the routes are. What is left for each message allocates
//! nothing.

mod number;
mod pattern;

use std::cmp::Ordering;

pub use number::Number;
pub use pattern::{Pattern, Piece};

use crate::{Message, Name};

/// A condition, and the text that it was read from.
#[derive(Clone, Debug)]
pub struct Filter {
    text: String,
    condition: Condition,
}

/// What is asked of a message. Where a value is missing, or is no number where one is compared with
/// a number, the answer is unknown: neither true nor false, and so is its negation.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// The same for every message.
    Constant(bool),
    /// All of these.
    All(Vec<Condition>),
    /// At least one of these.
    Any(Vec<Condition>),
    /// Not this.
    Not(Box<Condition>),
    /// A property compared with a constant.
    Compare(Property, Comparison, Value),
    /// A property compared with another one: as numbers if both are, and else as texts, which are
    /// equal or not and have no order.
    CompareWith(Property, Comparison, Property),
    /// A property equal to one of these.
    In(Property, Vec<Value>),
    /// A property that is like this.
    Like(Property, Pattern),
    /// A property that the message does not have.
    IsNull(Property),
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Property {
    /// The header of this name.
    Header(Name),
    /// The message's tag.
    Tag,
    /// The message's own key.
    Key,
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `<>`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// A constant.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Compared byte by byte.
    Text(String),
    /// Compared with what the property reads as; unknown if that is no number.
    Number(Number),
    /// Compared with `true` and `false`, in any case; unknown if the property is neither.
    Truth(bool),
}

impl Filter {
    /// The filter that `text` means.
    #[must_use]
    pub fn new(text: &str, condition: Condition) -> Self {
        let text = text.to_owned();
        Self { text, condition }
    }

    /// The text that it was read from.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the condition is true for the message: unknown is not enough.
    #[must_use]
    pub fn accepts(&self, message: &Message) -> bool {
        self.condition.test(message) == Some(true)
    }
}

/// Two filters of one text are one.
impl PartialEq for Filter {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Filter {}

impl Condition {
    /// What holds for the message; none if that is unknown.
    #[must_use]
    pub fn test(&self, message: &Message) -> Option<bool> {
        match self {
            Self::Constant(value) => Some(*value),
            Self::All(parts) => unless_one_is(false, parts, message),
            Self::Any(parts) => unless_one_is(true, parts, message),
            Self::Not(part) => part.test(message).map(|it| !it),
            Self::Compare(property, comparison, value) => {
                let order = value.order(property.of(message)?)?;
                Some(comparison.holds(order))
            }
            Self::CompareWith(left, comparison, right) => {
                let order = order_of_texts(left.of(message)?, right.of(message)?, *comparison)?;
                Some(comparison.holds(order))
            }
            Self::In(property, values) => {
                let found = property.of(message)?;
                let mut answer = Some(false);
                for value in values {
                    match value.order(found) {
                        Some(Ordering::Equal) => return Some(true),
                        Some(_) => {}
                        None => answer = None,
                    }
                }
                answer
            }
            Self::Like(property, pattern) => Some(pattern.matches(property.of(message)?)),
            Self::IsNull(property) => Some(property.of(message).is_none()),
        }
    }
}

/// `decisive` if one of the parts is; else unknown if one of them is; else the opposite.
fn unless_one_is(decisive: bool, parts: &[Condition], message: &Message) -> Option<bool> {
    let mut answer = Some(!decisive);
    for part in parts {
        match part.test(message) {
            Some(value) if value == decisive => return Some(decisive),
            Some(_) => {}
            None => answer = None,
        }
    }
    answer
}

impl Property {
    fn of<'a>(&self, message: &'a Message) -> Option<&'a str> {
        match self {
            Self::Header(name) => message.header(name),
            Self::Tag => message.tag.as_deref(),
            Self::Key => message.key.as_deref(),
        }
    }
}

impl Value {
    /// How `found` stands to this constant; none if they cannot be compared.
    fn order(&self, found: &str) -> Option<Ordering> {
        match self {
            Self::Text(text) => Some(found.cmp(text)),
            Self::Number(number) => Some(Number::parse(found)?.order(*number)),
            Self::Truth(truth) => Some(truth_of(found)?.cmp(truth)),
        }
    }
}

fn truth_of(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        return Some(true);
    }
    text.eq_ignore_ascii_case("false").then_some(false)
}

fn order_of_texts(left: &str, right: &str, comparison: Comparison) -> Option<Ordering> {
    match (Number::parse(left), Number::parse(right)) {
        (Some(left), Some(right)) => Some(left.order(right)),
        _ => (!comparison.needs_numbers()).then(|| left.cmp(right)),
    }
}

impl Comparison {
    /// Whether it asks for an order, which only numbers have.
    #[must_use]
    pub fn needs_numbers(self) -> bool {
        !matches!(self, Self::Equal | Self::NotEqual)
    }

    /// The same with the sides exchanged.
    #[must_use]
    pub fn reversed(self) -> Self {
        match self {
            Self::Equal | Self::NotEqual => self,
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
        }
    }

    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }
}
