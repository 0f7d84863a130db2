//! `[topics]`: every topic that may be sent to.

use wasmill_model::limits::{Exceeded, MessageLimits};
use wasmill_model::routes::{LogRetention, Topic, TopicPattern};
use wasmill_model::{Message, dead_event};

use crate::names;
use crate::policies;
use crate::suggest::did_you_mean;
use crate::table::{Field, Table};

/// The declared topics.
pub(crate) struct Topics {
    topics: Vec<Topic>,
}

/// Reads the table.
pub(crate) fn read(root: &mut Table<'_>, log: &LogRetention) -> Topics {
    let Some(table) = root.get("topics").and_then(|field| field.table()) else {
        return Topics { topics: Vec::new() };
    };
    let topics = table.all().filter_map(|named| {
        let name = names::topic_pattern(named.name);
        if let Err(what) = &name {
            table
                .report
                .add(named.name_offset, format!("the topic {what}"));
        }
        let pattern = TopicPattern::new(named.name);
        let policies = named.field.table()?;
        let topic = policies::read(pattern, policies, log);
        name.is_ok().then_some(topic)
    });
    Topics {
        topics: topics.collect(),
    }
}

impl Topics {
    pub(crate) fn into_topics(self) -> Vec<Topic> {
        self.topics
    }

    fn declare(&self, topic: &str) -> bool {
        self.topics.iter().any(|it| it.pattern.matches(topic))
    }

    /// Checks a message of the host's own against the limits that its topic states.
    pub(crate) fn check(&self, message: &Message) -> Result<(), Exceeded> {
        let fitting = self.topics.iter();
        let fitting = fitting.filter(|it| it.pattern.matches(&message.topic));
        let closest = fitting.max_by_key(|it| it.pattern.closeness());
        // What the platform refuses is told of field by field.
        let Some(stated) = closest.filter(|it| it.limits != MessageLimits::default()) else {
            return Ok(());
        };
        let Message {
            key,
            tag,
            headers,
            body,
            ..
        } = message;
        let limits = &stated.limits;
        limits.check(key.as_ref(), tag.as_ref(), headers, body)
    }

    /// The declared topic that a field names.
    pub(crate) fn declared<'a>(&self, field: &Field<'a>) -> Option<&'a str> {
        let topic = field.text()?;
        if let Err(what) = names::topic(topic) {
            field.refuse(what);
            return None;
        }
        if self.declare(topic) {
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
        if text.starts_with('$') {
            let own = dead_event::TOPIC;
            field.refuse(format!(
                "is `{text}`, but the one topic that begins with `$` is `{own}`: write that, or \
                 leave the `$` out"
            ));
            return None;
        }
        if !text.ends_with('*') {
            return self.declared(field);
        }
        if let Err(what) = names::topic_pattern(text) {
            field.refuse(what);
            return None;
        }
        if self.meet(text) {
            return Some(text);
        }
        field.refuse(self.undeclared(text));
        None
    }

    /// Whether a topic, or a prefix of topics, can ever get a message.
    pub(crate) fn met_by(&self, text: &str) -> Result<(), String> {
        match self.meet(text) {
            true => Ok(()),
            false => Err(self.undeclared(text)),
        }
    }

    fn meet(&self, pattern: &str) -> bool {
        let pattern = TopicPattern::new(pattern);
        self.topics.iter().any(|it| it.pattern.meets(&pattern))
    }

    fn undeclared(&self, topic: &str) -> String {
        let names = self.topics.iter().map(|it| it.pattern.as_str());
        let hint = match did_you_mean(topic, names) {
            hint if hint.is_empty() => "; declare it there".to_owned(),
            hint => hint,
        };
        format!("is `{topic}`, which is not declared in [topics]{hint}")
    }
}
