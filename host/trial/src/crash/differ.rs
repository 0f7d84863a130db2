//! What of a run's end is not as without a crash. Values are compared, and only those that differ are
//! put into words.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use bytes::Bytes;
use wasmill_model::effects::Scope;
use wasmill_model::half::Owner;
use wasmill_model::{Millis, Name, reserved};

use crate::compare::{shown_answer, shown_sent};
use crate::ledger::{Ledger, Sent};
use crate::play::Ended;
use crate::report::subject;
use crate::shown::{printable, shown, span, time};

/// Entries of a key's state.
type Entries = BTreeMap<Name, Bytes>;

/// What waits for its time.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Waiting {
    timer: Option<Name>,
    scope: Option<Scope>,
    message: Sent,
    due: Millis,
}

/// A message that was given up.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Dead {
    subscription: Name,
    key: Option<Name>,
    message: Sent,
    cause: String,
}

/// A half message that nobody decided about. When it is asked about next does not count.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Undecided {
    owner: Option<(Scope, Name)>,
    message: Sent,
}

/// What of a run is not as in the run `whole`.
pub(super) fn differences(whole: &Ended, run: &Ended) -> Vec<String> {
    let mut found = answers(whole, run);
    let ledgers = [&whole.ledger, &run.ledger];
    sends(ledgers, &mut found);
    compare("timer", ledgers.map(waiting), told_waiting, &mut found);
    compare("dead letter", ledgers.map(dead), told_dead, &mut found);
    let undecided = ledgers.map(undecided);
    compare("half message", undecided, told_undecided, &mut found);
    states(ledgers, &mut found);
    let paths: BTreeSet<&PathBuf> = whole.files.keys().chain(run.files.keys()).collect();
    for path in paths {
        if whole.files.get(path) != run.files.get(path) {
            let path = path.display().to_string();
            let path = printable(&path);
            found.push(format!("file {path} is not as without a crash"));
        }
    }
    found
}

/// Answers to requests and questions.
fn answers(whole: &Ended, run: &Ended) -> Vec<String> {
    let pairs = whole.answers.iter().zip(&run.answers);
    let differing = pairs.filter(|((_, expected), (_, actual))| !expected.says_the_same(actual));
    let told = differing.map(|((line, expected), (_, actual))| {
        let (actual, expected) = (shown_answer(actual), shown_answer(expected));
        format!("the answer to the step in line {line} is {actual} instead of {expected}")
    });
    told.collect()
}

/// Messages by topic and key: their order counts there.
fn sends(ledgers: [&Ledger; 2], found: &mut Vec<String>) {
    let before = found.len();
    let counts = ledgers.map(|it| counted(it.sent.iter()));
    compare("message", counts, |sent| told(sent), found);
    if found.len() > before {
        return;
    }
    let [whole, run] = ledgers.map(|ledger| {
        let mut orders = BTreeMap::<_, Vec<&Sent>>::new();
        for sent in &ledger.sent {
            orders
                .entry((&sent.topic, &sent.key))
                .or_default()
                .push(sent);
        }
        orders
    });
    for (place, order) in &whole {
        if run.get(place) != Some(order) {
            let subject = subject(place.0, place.1.as_deref(), 1);
            found.push(format!("reordered: messages to {subject}"));
        }
    }
}

fn told(sent: &Sent) -> String {
    let mut text = shown_sent(sent);
    for (name, value) in &sent.headers {
        text += &format!(" {}: {}", printable(name), shown(value.as_bytes()));
    }
    if let Some(tag) = &sent.tag {
        text += &format!(" tag {}", printable(tag));
    }
    if let Some(delay) = sent.delay {
        text += &format!(" in {}", span(delay));
    }
    text
}

fn waiting(of: &Ledger) -> BTreeMap<Waiting, u64> {
    counted(of.delayed.values().map(|it| Waiting {
        timer: it.message.timer.clone(),
        scope: it.scope.clone(),
        message: Sent::new(&it.message, None),
        due: it.due,
    }))
}

fn told_waiting(it: &Waiting) -> String {
    let name = it.timer.as_deref().unwrap_or("(a delayed message)");
    let (name, message) = (printable(name), told(&it.message));
    format!("{name}, {message}, due {}", time(it.due))
}

fn dead(of: &Ledger) -> BTreeMap<Dead, u64> {
    counted(of.dead.iter().map(|it| Dead {
        subscription: it.subscription.clone(),
        key: it.key.clone(),
        message: Sent::new(&it.message, None),
        cause: it.cause.clone(),
    }))
}

fn told_dead(it: &Dead) -> String {
    format!("{}, {}", told(&it.message), shown(it.cause.as_bytes()))
}

fn undecided(of: &Ledger) -> BTreeMap<Undecided, u64> {
    counted(of.halves.values().map(|it| Undecided {
        owner: match &it.owner {
            Owner::Plugin { scope, name } => Some((scope.clone(), name.clone())),
            Owner::Producer { .. } => None,
        },
        message: Sent::new(&it.message, None),
    }))
}

fn told_undecided(it: &Undecided) -> String {
    let name = it.owner.as_ref().map_or("", |(_, name)| name);
    format!("{} to {}", printable(name), told(&it.message))
}

fn counted<T: Ord>(all: impl Iterator<Item = T>) -> BTreeMap<T, u64> {
    let mut counts = BTreeMap::new();
    for one in all {
        *counts.entry(one).or_default() += 1;
    }
    counts
}

/// What there is more or less of than without a crash.
fn compare<T: Ord>(
    what: &str,
    [whole, run]: [BTreeMap<T, u64>; 2],
    told: impl Fn(&T) -> String,
    found: &mut Vec<String>,
) {
    let all: BTreeSet<&T> = whole.keys().chain(run.keys()).collect();
    let mut texts = BTreeSet::new();
    for one in all {
        let [expected, actual] = [&whole, &run].map(|of| of.get(one).copied().unwrap_or(0));
        let change = match (expected, actual) {
            (expected, actual) if expected == actual => continue,
            (0, _) => "new",
            (expected, actual) if actual < expected => "lost",
            _ => "doubled",
        };
        let text = told(one);
        // Long bodies are cut, and may differ behind that.
        let rest = match texts.insert(text.clone()) {
            true => "",
            false => " (it differs where it is not shown)",
        };
        found.push(format!("{change}: {what} {text}{rest}"));
    }
}

/// Entries of states, but for those that other lists tell of.
fn states([whole, run]: [&Ledger; 2], found: &mut Vec<String>) {
    let scopes: BTreeSet<&Scope> = whole.states.keys().chain(run.states.keys()).collect();
    let none = Entries::new();
    for scope in scopes {
        let [expected, actual] = [whole, run].map(|it| it.states.get(scope).unwrap_or(&none));
        let names: BTreeSet<&Name> = expected.keys().chain(actual.keys()).collect();
        for name in names {
            let (expected, actual) = (expected.get(name), actual.get(name));
            if expected == actual {
                continue;
            }
            if let Some(what) = told_entry(name, expected, actual) {
                let key = shown(scope.key.as_bytes());
                found.push(format!("state of key {key}: {what}"));
            }
        }
    }
}

fn told_entry(name: &str, expected: Option<&Bytes>, actual: Option<&Bytes>) -> Option<String> {
    use reserved::Entry;
    let entry = match reserved::entry(name) {
        None => format!("entry `{}`", printable(name)),
        Some(Entry::Claim(id)) => format!("claim of `{}`", printable(id)),
        Some(Entry::Handled { subscription, id }) => {
            format!("id `{}` as handled for {subscription}", printable(id))
        }
        Some(Entry::Schema) => "the version of its schema".to_owned(),
        Some(Entry::Timer(_) | Entry::Recallable(_) | Entry::Half(_)) => return None,
    };
    let own = reserved::entry(name).is_none();
    let told = |it: Option<&Bytes>| match it {
        None => "absent".to_owned(),
        Some(value) if own => shown(value),
        Some(_) => "there".to_owned(),
    };
    let (actual, expected) = (told(actual), told(expected));
    Some(match actual == expected {
        true => format!("{entry} differs where it is not shown from {expected}"),
        false => format!("{entry} is {actual} instead of {expected}"),
    })
}
