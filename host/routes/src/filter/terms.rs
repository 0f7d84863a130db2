//! The terms of a condition: properties, constants and patterns.

use sqlparser::ast::{Expr, Ident, UnaryOperator, Value as Sql, ValueWithSpan};
use wasmill_model::filter::{Comparison, Number, Pattern, Piece, Property, Value};

use super::refused;

/// Longest pattern: a longer one could take too long on a long header.
const PATTERN_CHARS_MAX: usize = 256;

/// What can be compared.
pub(super) enum Term {
    Property(Property),
    Value(Value),
}

/// Reads a term.
pub(super) fn term(expression: &Expr) -> Result<Term, String> {
    match expression {
        Expr::Nested(inner) => term(inner),
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) => {
            property(expression).map(Term::Property)
        }
        other => value(other).map(Term::Value),
    }
}

/// Reads a property: a header's name, or without quotes `TAGS` and `KEYS`.
pub(super) fn property(expression: &Expr) -> Result<Property, String> {
    match expression {
        Expr::Identifier(Ident {
            value, quote_style, ..
        }) => Ok(match (value.as_str(), quote_style) {
            ("TAGS", None) => Property::Tag,
            ("KEYS", None) => Property::Key,
            (name, _) => Property::Header(name.into()),
        }),
        Expr::CompoundIdentifier(parts) => {
            let parts: Vec<_> = parts.iter().map(|part| part.value.as_str()).collect();
            let what = format!(
                "but a header whose name has points stands in double quotes: \"{}\"",
                parts.join(".")
            );
            Err(refused(expression, &what))
        }
        other => Err(refused(other, "where the name of a header must stand")),
    }
}

/// Reads a constant.
pub(super) fn value(expression: &Expr) -> Result<Value, String> {
    match expression {
        Expr::Value(ValueWithSpan {
            value: Sql::SingleQuotedString(text),
            ..
        }) => Ok(Value::Text(text.clone())),
        Expr::Value(ValueWithSpan {
            value: Sql::Null, ..
        }) => Err(refused(
            expression,
            "which equals nothing, not even itself; ask with IS NULL",
        )),
        Expr::UnaryOp {
            op: UnaryOperator::Minus,
            expr,
        } => number(expression, "-", expr),
        Expr::UnaryOp {
            op: UnaryOperator::Plus,
            expr,
        } => number(expression, "", expr),
        other => match truth(other) {
            Some(truth) => Ok(Value::Truth(truth)),
            None => number(other, "", other),
        },
    }
}

/// TRUE or FALSE.
pub(super) fn truth(expression: &Expr) -> Option<bool> {
    match expression {
        Expr::Value(ValueWithSpan {
            value: Sql::Boolean(truth),
            ..
        }) => Some(*truth),
        _ => None,
    }
}

/// Whether a constant can be compared like this.
pub(super) fn comparable(whole: &Expr, how: Comparison, value: &Value) -> Result<(), String> {
    match value {
        Value::Text(_) | Value::Truth(_) if how.needs_numbers() => Err(refused(
            whole,
            "but only numbers have an order; a number stands without quotes",
        )),
        _ => Ok(()),
    }
}

/// Reads a pattern of LIKE.
pub(super) fn pattern(expression: &Expr, escape: Option<&Expr>) -> Result<Pattern, String> {
    let Value::Text(text) = value(expression)? else {
        return Err(refused(
            expression,
            "where a pattern such as 'eu-%' must stand",
        ));
    };
    let escape = escape.map(escape_char).transpose()?;
    if text.chars().count() > PATTERN_CHARS_MAX {
        let what = format!("a pattern with more than the {PATTERN_CHARS_MAX} characters allowed");
        return Err(refused(expression, &what));
    }
    let mut chars = text.chars();
    let mut pieces = Vec::new();
    while let Some(char) = chars.next() {
        pieces.push(match char {
            char if Some(char) == escape => {
                let escaped = chars
                    .next()
                    .ok_or_else(|| refused(expression, "a pattern that ends in its own ESCAPE"))?;
                Piece::Char(escaped)
            }
            '%' => Piece::Any,
            '_' => Piece::One,
            char => Piece::Char(char),
        });
    }
    Ok(Pattern::new(pieces))
}

fn escape_char(escape: &Expr) -> Result<char, String> {
    if let Value::Text(text) = value(escape)? {
        let mut chars = text.chars();
        if let (Some(char), None) = (chars.next(), chars.next()) {
            return Ok(char);
        }
    }
    Err(refused(
        escape,
        "where one character in single quotes must stand",
    ))
}

fn number(whole: &Expr, sign: &str, expression: &Expr) -> Result<Value, String> {
    if let Expr::Value(ValueWithSpan {
        value: Sql::Number(digits, false),
        ..
    }) = expression
    {
        return match Number::parse(&format!("{sign}{digits}")) {
            Some(number) => Ok(Value::Number(number)),
            None => Err(refused(whole, "a number that is too large")),
        };
    }
    Err(refused(
        whole,
        "where a header, a number, TRUE, FALSE or a text in single quotes must stand",
    ))
}
