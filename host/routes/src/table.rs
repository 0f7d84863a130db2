//! Walks the parsed TOML: tables that know which of their keys were asked for, and fields that
//! know their place in the file.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::report::Report;
use crate::suggest::did_you_mean;

/// A table of the file.
pub(crate) struct Table<'a> {
    pub(crate) report: &'a Report<'a>,
    /// Where the table begins.
    pub(crate) offset: usize,
    /// Its dotted path; empty for the root.
    pub(crate) path: String,
    entries: &'a DeTable<'a>,
    /// The keys that a reader asked for: the only ones allowed.
    known: Vec<&'a str>,
}

impl<'a> Table<'a> {
    pub(crate) fn root(report: &'a Report<'a>, entries: &'a DeTable<'a>) -> Self {
        Self {
            report,
            offset: 0,
            path: String::new(),
            entries,
            known: Vec::new(),
        }
    }

    /// The field of this key, if it is there.
    pub(crate) fn get(&mut self, key: &'static str) -> Option<Field<'a>> {
        self.known.push(key);
        self.entries
            .get_key_value(key)
            .map(|(_, value)| self.field(key, value))
    }

    /// The field of this key; its absence is a problem.
    pub(crate) fn require(&mut self, key: &'static str, remedy: &str) -> Option<Field<'a>> {
        let field = self.get(key);
        if field.is_none() {
            self.refuse(format!("has no `{key}`; {remedy}"));
        }
        field
    }

    /// All fields, for tables whose keys are the operator's own words.
    pub(crate) fn all(&self) -> impl Iterator<Item = Named<'a>> {
        self.entries.iter().map(|(key, value)| Named {
            name: key.get_ref(),
            name_offset: key.span().start,
            field: self.field(key.get_ref(), value),
        })
    }

    /// Fields of the operator's own words that a reader has seen to, though it did not ask.
    pub(crate) fn seen_to(&mut self, name: &'a str) {
        self.known.push(name);
    }

    /// Notes a problem with the table as a whole.
    pub(crate) fn refuse(&self, what: impl AsRef<str>) {
        self.report
            .add(self.offset, format!("`{}` {}", self.path, what.as_ref()));
    }

    /// Ends the reading: keys that nobody asked for are problems.
    pub(crate) fn finish(self) {
        for (key, _) in self.entries {
            let name = key.get_ref().as_ref();
            if self.known.contains(&name) {
                continue;
            }
            let place = match self.path.as_str() {
                "" => "at the top of the file".to_owned(),
                path => format!("in `{path}`"),
            };
            let hint = match did_you_mean(name, self.known.iter().copied()) {
                hint if hint.is_empty() => format!("; known keys: {}", self.known.join(", ")),
                hint => hint,
            };
            self.report.add(
                key.span().start,
                format!("unknown key `{name}` {place}{hint}"),
            );
        }
    }

    fn field(&self, key: &str, value: &'a Spanned<DeValue<'a>>) -> Field<'a> {
        let dot = if self.path.is_empty() { "" } else { "." };
        let plain = key
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        let key = if plain {
            key.to_owned()
        } else {
            format!("{key:?}")
        };
        Field {
            report: self.report,
            path: format!("{}{dot}{key}", self.path),
            value,
        }
    }
}

/// A field under a key of the operator's choice.
pub(crate) struct Named<'a> {
    pub(crate) name: &'a str,
    pub(crate) name_offset: usize,
    pub(crate) field: Field<'a>,
}

/// A value of the file, and its place.
pub(crate) struct Field<'a> {
    pub(crate) report: &'a Report<'a>,
    /// Dotted path.
    pub(crate) path: String,
    pub(crate) value: &'a Spanned<DeValue<'a>>,
}

impl<'a> Field<'a> {
    /// Where the value begins.
    pub(crate) fn offset(&self) -> usize {
        self.value.span().start
    }

    /// Notes a problem with the value.
    pub(crate) fn refuse(&self, what: impl AsRef<str>) {
        self.report
            .add(self.offset(), format!("`{}` {}", self.path, what.as_ref()));
    }

    /// The text, or a problem if the value is none.
    pub(crate) fn text(&self) -> Option<&'a str> {
        self.expect("a text in quotes", self.value.get_ref().as_str())
    }

    /// The value by `check`, or the problem that it states.
    pub(crate) fn parsed<T>(&self, check: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        check(self.text()?).map_err(|what| self.refuse(what)).ok()
    }

    pub(crate) fn boolean(&self) -> Option<bool> {
        self.expect("true or false", self.value.get_ref().as_bool())
    }

    /// A whole number from `min` to `max`.
    pub(crate) fn integer(&self, min: u64, max: u64) -> Option<u64> {
        let integer = self.expect("a whole number", self.value.get_ref().as_integer())?;
        let number = u64::from_str_radix(integer.as_str(), integer.radix()).ok();
        let inside = number.filter(|number| (min..=max).contains(number));
        if inside.is_none() {
            self.refuse(format!("is {integer}, which is not from {min} to {max}"));
        }
        inside
    }

    /// The table, or a problem if the value is none.
    pub(crate) fn table(&self) -> Option<Table<'a>> {
        let entries = self.expect("a table", self.value.get_ref().as_table())?;
        let path = self.path.clone();
        let known = Vec::new();
        Some(Table {
            report: self.report,
            offset: self.offset(),
            path,
            entries,
            known,
        })
    }

    /// The list's items; their paths count from 1.
    pub(crate) fn items(&self) -> Option<Vec<Field<'a>>> {
        let array = self.expect("a list", self.value.get_ref().as_array())?;
        let item = |(index, value)| {
            let path = format!("{}[{}]", self.path, index + 1);
            Field {
                report: self.report,
                path,
                value,
            }
        };
        Some(array.iter().enumerate().map(item).collect())
    }

    /// One of a few words.
    pub(crate) fn choice<T: Copy>(&self, choices: &[(&str, T)]) -> Option<T> {
        let word = self.text()?;
        let chosen = choices
            .iter()
            .find(|(name, _)| *name == word)
            .map(|(_, value)| *value);
        if chosen.is_none() {
            let names: Vec<_> = choices
                .iter()
                .map(|(name, _)| format!("`{name}`"))
                .collect();
            self.refuse(format!("is `{word}`, but must be {}", names.join(" or ")));
        }
        chosen
    }

    fn expect<T>(&self, expected: &str, found: Option<T>) -> Option<T> {
        if found.is_none() {
            let kind = self.value.get_ref().type_str();
            self.refuse(format!(
                "is {} {kind}, but must be {expected}",
                article(kind)
            ));
        }
        found
    }
}

/// The article before a noun.
pub(crate) fn article(noun: &str) -> &'static str {
    if noun.starts_with(['a', 'e', 'i', 'o', 'u']) {
        "an"
    } else {
        "a"
    }
}
