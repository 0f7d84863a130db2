//! Reads the condition of a subscription's `filter`: SQL-92, as a parser of SQL has it, into what
//! the host asks of each message.

mod dialect;
mod terms;

#[cfg(test)]
mod tests;

use sqlparser::ast::{BinaryOperator, Expr, Spanned, UnaryOperator};
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::Token;
use wasmill_model::filter::{Comparison, Condition, Filter};

use dialect::Conditions;
use terms::Term;

/// Longest text of a condition.
const TEXT_BYTES_MAX: usize = 4 << 10;
/// Most comparisons of a condition, items of lists among them.
const TERMS_COUNT_MAX: usize = 256;
/// Deepest nesting of a condition.
const DEPTH_MAX: usize = 32;

/// Reads a condition.
///
/// # Errors
/// What is wrong and where in the text, to be read after the filter's name.
pub fn filter(text: &str) -> Result<Filter, String> {
    if text.len() > TEXT_BYTES_MAX {
        let length = text.len();
        return Err(format!(
            "has {length} bytes, more than the {TEXT_BYTES_MAX} allowed"
        ));
    }
    let expression = parse(text).map_err(|error| explained(&error))?;
    let condition = Reader::default().condition(&expression, DEPTH_MAX)?;
    Ok(Filter::new(text, condition))
}

fn parse(text: &str) -> Result<Expr, ParserError> {
    let parser = Parser::new(&Conditions).with_recursion_limit(2 * DEPTH_MAX);
    let mut parser = parser.try_with_sql(text)?;
    let expression = parser.parse_expr()?;
    let next = parser.peek_token();
    match next.token {
        Token::EOF => Ok(expression),
        _ => parser.expected("the end of the condition", next),
    }
}

/// A message of the parser, as this project writes them.
fn explained(error: &ParserError) -> String {
    let (ParserError::ParserError(said) | ParserError::TokenizerError(said)) = error else {
        return too_deep();
    };
    let said = said.replace(" at Line: ", " at line ");
    let said = said.replace(", Column: ", ", column ");
    let mut chars = said.chars();
    let first = chars.next().map(|char| char.to_ascii_lowercase());
    let said: String = first.into_iter().chain(chars).collect();
    format!(
        "is no condition: {said}; a header whose name is a word of SQL or has other characters \
         than letters, digits and `_` stands in double quotes"
    )
}

fn too_deep() -> String {
    format!("is nested deeper than the {DEPTH_MAX} levels allowed")
}

/// What is wrong, and with what.
fn refused(expression: &Expr, what: &str) -> String {
    let start = expression.span().start;
    let place = match start.column {
        0 => String::new(),
        column => format!(" at line {}, column {column}", start.line),
    };
    format!("has `{expression}`{place}, {what}")
}

/// Counts the terms as it reads.
#[derive(Default)]
struct Reader {
    terms: usize,
}

impl Reader {
    fn condition(&mut self, expression: &Expr, depth: usize) -> Result<Condition, String> {
        let depth = depth.checked_sub(1).ok_or_else(too_deep)?;
        match expression {
            Expr::Nested(inner) => self.condition(inner, depth),
            Expr::UnaryOp {
                op: UnaryOperator::Not,
                expr,
            } => Ok(not(true, self.condition(expr, depth)?)),
            Expr::BinaryOp { left, op, right } => match op {
                BinaryOperator::And => Ok(Condition::All(self.all(expression, op, depth)?)),
                BinaryOperator::Or => Ok(Condition::Any(self.all(expression, op, depth)?)),
                op => {
                    let comparison = comparison(op).ok_or_else(|| {
                        refused(
                            expression,
                            "but knows AND, OR, NOT, =, <>, <, <=, >, >=, BETWEEN, IN, LIKE and \
                             IS NULL only",
                        )
                    })?;
                    self.compare(expression, left, comparison, right)
                }
            },
            Expr::Between {
                expr,
                negated,
                low,
                high,
            } => {
                let bounds = [
                    self.compare(expression, expr, Comparison::GreaterOrEqual, low)?,
                    self.compare(expression, expr, Comparison::LessOrEqual, high)?,
                ];
                Ok(not(*negated, Condition::All(bounds.into())))
            }
            Expr::InList {
                expr,
                list,
                negated,
            } => {
                let property = terms::property(expr)?;
                let values = list.iter().map(|item| {
                    self.count()?;
                    terms::value(item)
                });
                let values = values.collect::<Result<_, _>>()?;
                Ok(not(*negated, Condition::In(property, values)))
            }
            Expr::Like {
                negated,
                any: false,
                expr,
                pattern,
                escape_char,
            } => {
                self.count()?;
                let pattern = terms::pattern(pattern, escape_char.as_deref())?;
                let like = Condition::Like(terms::property(expr)?, pattern);
                Ok(not(*negated, like))
            }
            Expr::IsNull(inner) => self.is_null(inner, false),
            Expr::IsNotNull(inner) => self.is_null(inner, true),
            other => match terms::truth(other) {
                Some(truth) => Ok(Condition::Constant(truth)),
                None => Err(refused(
                    other,
                    "which is no condition: compare it, as in `region = 'eu'`",
                )),
            },
        }
    }

    /// The parts of a chain of ANDs, or of ORs, which the parser nests to the left.
    fn all(
        &mut self,
        chain: &Expr,
        joint: &BinaryOperator,
        depth: usize,
    ) -> Result<Vec<Condition>, String> {
        let (mut rest, mut parts) = (chain, Vec::new());
        while let Expr::BinaryOp { left, op, right } = rest
            && op == joint
        {
            parts.push(&**right);
            rest = left;
        }
        parts.push(rest);
        let parts = parts.into_iter().rev();
        parts.map(|part| self.condition(part, depth)).collect()
    }

    fn compare(
        &mut self,
        whole: &Expr,
        left: &Expr,
        comparison: Comparison,
        right: &Expr,
    ) -> Result<Condition, String> {
        self.count()?;
        match (terms::term(left)?, terms::term(right)?) {
            (Term::Property(left), Term::Property(right)) => {
                Ok(Condition::CompareWith(left, comparison, right))
            }
            (Term::Property(property), Term::Value(value)) => {
                terms::comparable(whole, comparison, &value)?;
                Ok(Condition::Compare(property, comparison, value))
            }
            (Term::Value(value), Term::Property(property)) => {
                terms::comparable(whole, comparison, &value)?;
                Ok(Condition::Compare(property, comparison.reversed(), value))
            }
            (Term::Value(_), Term::Value(_)) => Err(refused(
                whole,
                "which compares two constants; headers are written without quotes",
            )),
        }
    }

    fn is_null(&mut self, inner: &Expr, negated: bool) -> Result<Condition, String> {
        self.count()?;
        Ok(not(negated, Condition::IsNull(terms::property(inner)?)))
    }

    fn count(&mut self) -> Result<(), String> {
        self.terms += 1;
        match self.terms <= TERMS_COUNT_MAX {
            true => Ok(()),
            false => Err(format!(
                "has more than the {TERMS_COUNT_MAX} comparisons and list items allowed"
            )),
        }
    }
}

fn not(negated: bool, condition: Condition) -> Condition {
    match negated {
        true => Condition::Not(Box::new(condition)),
        false => condition,
    }
}

fn comparison(op: &BinaryOperator) -> Option<Comparison> {
    Some(match op {
        BinaryOperator::Eq => Comparison::Equal,
        BinaryOperator::NotEq => Comparison::NotEqual,
        BinaryOperator::Lt => Comparison::Less,
        BinaryOperator::LtEq => Comparison::LessOrEqual,
        BinaryOperator::Gt => Comparison::Greater,
        BinaryOperator::GtEq => Comparison::GreaterOrEqual,
        _ => return None,
    })
}
