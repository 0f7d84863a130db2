//! Collects the problems of a file and turns byte offsets into lines and columns.

use std::cell::RefCell;
use std::fmt;

/// Most problems that are reported; the rest is counted.
const PROBLEMS_MAX: usize = 100;

/// One thing wrong with the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// The subject, what is wrong with it, and the remedy.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "line {}, column {}: {}",
            self.line, self.column, self.what
        )
    }
}

/// All that is wrong with the file, in its order; a line each when displayed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Errors {
    /// The problems, at least one.
    pub problems: Vec<Problem>,
    /// How many more there were.
    pub omitted: usize,
}

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{problem}")?;
        }
        match self.omitted {
            0 => Ok(()),
            more => write!(f, "\nand {more} more"),
        }
    }
}

/// Takes problems while the file is read.
pub(crate) struct Report<'a> {
    text: &'a str,
    /// Byte offset and text. A cell, so that readers of nested tables can share the report.
    found: RefCell<Vec<(usize, String)>>,
}

impl<'a> Report<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self {
            text,
            found: RefCell::default(),
        }
    }

    /// Notes a problem at a byte offset.
    pub(crate) fn add(&self, offset: usize, what: impl Into<String>) {
        self.found.borrow_mut().push((offset, what.into()));
    }

    /// The line of a byte offset, for problems that refer to another place.
    pub(crate) fn line(&self, offset: usize) -> usize {
        self.position(offset).0
    }

    /// `value` if nothing was wrong.
    pub(crate) fn into_result<T>(self, value: T) -> Result<T, Errors> {
        let mut found = self.found.take();
        if found.is_empty() {
            return Ok(value);
        }
        found.sort_by_key(|(offset, _)| *offset);
        let omitted = found.len().saturating_sub(PROBLEMS_MAX);
        let problems = found.into_iter().take(PROBLEMS_MAX).map(|(offset, what)| {
            let (line, column) = self.position(offset);
            Problem { line, column, what }
        });
        Err(Errors {
            problems: problems.collect(),
            omitted,
        })
    }

    fn position(&self, offset: usize) -> (usize, usize) {
        let before = &self.text.as_bytes()[..offset.min(self.text.len())];
        let start = before
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let column = String::from_utf8_lossy(&before[start..]).chars().count() + 1;
        (line, column)
    }
}
