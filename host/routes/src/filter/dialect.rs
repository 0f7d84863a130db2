//! The words of a condition: those of SQL-92, where a name is letters, digits and `_`, or stands in
//! double quotes.

use sqlparser::dialect::Dialect;

/// SQL-92, as far as a condition goes.
#[derive(Debug)]
pub(super) struct Conditions;

impl Dialect for Conditions {
    fn is_delimited_identifier_start(&self, char: char) -> bool {
        char == '"'
    }

    fn is_identifier_start(&self, char: char) -> bool {
        char.is_ascii_alphabetic() || char == '_'
    }

    fn is_identifier_part(&self, char: char) -> bool {
        char.is_ascii_alphanumeric() || char == '_'
    }
}
