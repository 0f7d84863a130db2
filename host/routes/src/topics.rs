//! `[topics]`: every topic that may be sent to.

use wasmill_model::dead_event;
use wasmill_model::routes::TopicPattern;

use crate::names;
use crate::suggest::did_you_mean;
use crate::table::{Field, Table};

/// The declared topics.
pub(crate) struct Topics {
    patterns: Vec<TopicPattern>,
}

/// Reads the table.
pub(crate) fn read(root: &mut Table<'_>) -> Topics {
    let Some(table) = root.get("topics").and_then(|field| field.table()) else {
        return Topics {
            patterns: Vec::new(),
        };
    };
    let patterns = table.all().filter_map(|topic| {
        if let Some(policies) = topic.field.table() {
            refuse_nested(topic.name, &policies);
        }
        match names::topic_pattern(topic.name) {
            Ok(name) => Some(TopicPattern::new(name)),
            Err(what) => {
                table
                    .report
                    .add(topic.name_offset, format!("the topic {what}"));
                None
            }
        }
    });
    Topics {
        patterns: patterns.collect(),
    }
}

/// A topic has no policies yet. The usual cause is a topic with dots written without quotes.
fn refuse_nested(topic: &str, policies: &Table<'_>) {
    for nested in policies.all() {
        let name = nested.name;
        let what = format!(
            "topic `{topic}` has the unknown key `{name}`; if the topic is `{topic}.{name}`, put \
             it in quotes"
        );
        policies.report.add(nested.name_offset, what);
    }
}

impl Topics {
    pub(crate) fn into_patterns(self) -> Vec<TopicPattern> {
        self.patterns
    }

    /// The declared topic that a field names.
    pub(crate) fn declared<'a>(&self, field: &Field<'a>) -> Option<&'a str> {
        let topic = field.text()?;
        if let Err(what) = names::topic(topic) {
            field.refuse(what);
            return None;
        }
        if self.patterns.iter().any(|pattern| pattern.matches(topic)) {
            return Some(topic);
        }
        field.refuse(self.undeclared(topic));
        None
    }

    /// The topic, or prefix of topics, that a field names: one that can ever get a message.
    pub(crate) fn subscribable<'a>(&self, field: &Field<'a>) -> Option<&'a str> {
        let text = field.text()?;
        if text == dead_event::TOPIC {
            return Some(text);
        }
        let Some(prefix) = text.strip_suffix('*') else {
            return self.declared(field);
        };
        if let Err(what) = names::topic_pattern(text) {
            field.refuse(what);
            return None;
        }
        if self.meets(prefix) {
            return Some(text);
        }
        field.refuse(self.undeclared(text));
        None
    }

    /// Whether a topic, or a prefix of topics, can ever get a message.
    pub(crate) fn met_by(&self, text: &str) -> Result<(), String> {
        let met = match text.strip_suffix('*') {
            Some(prefix) => self.meets(prefix),
            None => self.patterns.iter().any(|pattern| pattern.matches(text)),
        };
        met.then_some(()).ok_or_else(|| self.undeclared(text))
    }

    fn meets(&self, prefix: &str) -> bool {
        let meets = |declared: &str| match declared.strip_suffix('*') {
            Some(other) => other.starts_with(prefix) || prefix.starts_with(other),
            None => declared.starts_with(prefix),
        };
        self.patterns.iter().any(|pattern| meets(pattern.as_str()))
    }

    fn undeclared(&self, topic: &str) -> String {
        let names = self.patterns.iter().map(TopicPattern::as_str);
        let hint = match did_you_mean(topic, names) {
            hint if hint.is_empty() => "; declare it there".to_owned(),
            hint => hint,
        };
        format!("is `{topic}`, which is not declared in [topics]{hint}")
    }
}
