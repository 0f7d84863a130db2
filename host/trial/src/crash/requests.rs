//! Requests to others: which were made again after a crash, and which never were.
//!
//! A request is of a message and of who was called with it. What counts is what was made in all of
//! its calls, that among them at which the host died.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::play::Ended;
use crate::report::subject;
use crate::shown::{printable, shown};
use crate::stage::{CallOf, Called};
use crate::watch::Exchange;

/// The header by which a server tells that a request came before.
pub(super) const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// Methods whose requests may come any number of times, or never.
const SAFE: [&str; 3] = ["GET", "HEAD", "OPTIONS"];

/// What a request is told by.
type Asked<'a> = (&'a str, &'a str, &'a Bytes);

/// Whether the server minds neither its repetition nor its absence.
pub(super) fn is_harmless(request: &Exchange) -> bool {
    SAFE.contains(&request.method.as_str())
}

/// Whether the server can tell that a request is the one before.
pub(super) fn is_keyed(before: &Exchange, after: &Exchange) -> bool {
    let key = before.header(IDEMPOTENCY_KEY);
    key.is_some() && key == after.header(IDEMPOTENCY_KEY)
}

/// Requests that the whole run makes, and this one does not.
pub(super) fn lost(whole: &Ended, run: &Ended) -> Vec<String> {
    let mut made = counts(&run.calls);
    let cut_short = run.calls.iter().find(|it| it.cut_short);
    for (before, after) in again(whole, run) {
        // What was made again counts once.
        if let Some(called) = cut_short
            && asked(before) == asked(after)
            && let Some(count) = made.get_mut(&(&called.of, asked(before)))
        {
            *count -= 1;
        }
    }
    let missing = counts(&whole.calls).into_iter().filter(|(request, count)| {
        let made = made.get(request).copied().unwrap_or(0);
        !SAFE.contains(&request.1.0) && made < *count
    });
    let told = missing.map(|((of, (method, url, body)), _)| {
        let message = &of.message;
        let message = subject(&message.topic, message.key.as_deref(), 1);
        let (request, body) = (printable(&format!("{method} {url}")), shown(body));
        format!("lost: request {request} {body}, of {message}")
    });
    told.collect()
}

/// Requests that the call at which the host died had made, each with that by which the next call
/// with the same message made it again.
pub(super) fn again<'a>(whole: &Ended, run: &'a Ended) -> Vec<(&'a Exchange, &'a Exchange)> {
    let Some(at) = run.calls.iter().position(|it| it.cut_short) else {
        return Vec::new();
    };
    let died = &run.calls[at];
    let mut next = run.calls[at + 1..].iter();
    let Some(next) = next.find(|it| it.id == died.id && it.of == died.of) else {
        return Vec::new();
    };
    let mut after: Vec<&Exchange> = next.seen.requests.iter().collect();
    let (mut pairs, mut rest) = (Vec::new(), Vec::new());
    for before in &died.seen.requests {
        match after.iter().position(|it| asked(it) == asked(before)) {
            Some(index) => pairs.push((before, after.remove(index))),
            None => rest.push(before),
        }
    }
    // With another body it may still be the same, unless it is one of its own without a crash too.
    let whole = counts(&whole.calls);
    after.retain(|it| !whole.contains_key(&(&died.of, asked(it))));
    for before in rest {
        let same = |it: &&Exchange| it.method == before.method && it.url == before.url;
        if let Some(index) = after.iter().position(same) {
            pairs.push((before, after.remove(index)));
        }
    }
    pairs
}

/// How often each request was made.
fn counts(calls: &[Called]) -> BTreeMap<(&CallOf, Asked<'_>), u64> {
    let mut counts = BTreeMap::new();
    for called in calls {
        for request in &called.seen.requests {
            *counts.entry((&called.of, asked(request))).or_default() += 1;
        }
    }
    counts
}

fn asked(request: &Exchange) -> Asked<'_> {
    (&request.method, &request.url, &request.body)
}
