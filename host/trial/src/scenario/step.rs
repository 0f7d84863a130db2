//! From the words of the file to steps.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode};
use toml::Spanned;
use wasmill_model::limits::KEY_BYTES_MAX;
use wasmill_model::{Millis, Name};

use super::raw::{self, Wrong};
use super::{Answer, Body, Deed, Query, Request, Scenario, Send, Step, expect};

/// The time at which a scenario begins if it does not say: 2026-01-01T00:00:00Z.
const START: Millis = Millis(1_767_225_600_000);
/// How far a scenario may go.
const SPAN_MAX: Duration = Duration::from_secs(1_000 * 366 * 24 * 3600);

/// Reads a file; `line` tells the line of a byte.
pub(super) fn scenario(file: raw::File, line: impl Fn(usize) -> usize) -> Result<Scenario, Wrong> {
    let start = match &file.start {
        None => START,
        Some(text) => time(text)?,
    };
    if file.step.get_ref().is_empty() {
        let what = "`step` is empty: add a `[[step]]` that does something";
        return Err(Wrong::at(&file.step, what));
    }
    let steps = file.step.into_inner().into_iter().map(|raw| {
        let line = line(raw.span().start);
        step(raw, line)
    });
    Ok(Scenario {
        routes: file.routes.into(),
        routes_added: file.routes_added,
        start,
        states: super::state::states(file.state)?,
        http: answers(file.http)?,
        steps: steps.collect::<Result<_, _>>()?,
    })
}

fn step(stated: Spanned<raw::Step>, line: usize) -> Result<Step, Wrong> {
    let at = stated.span().start;
    let raw::Step {
        name,
        send,
        request,
        query,
        advance,
        config,
        http,
        expect,
    } = stated.into_inner();
    let deeds = [
        send.map(|it| Ok(Deed::Send(Box::new(message(it)?)))),
        request.map(|it| Ok(Deed::Request(Box::new(ask(it)?)))),
        query.map(|it| Ok(Deed::Query(Box::new(question(it)?)))),
        advance.map(|it| Ok(Deed::Advance(span(&it)?))),
        config.map(|it| Ok(Deed::Config(settings(it)?))),
    ];
    let mut deeds = deeds.into_iter().flatten();
    let (Some(deed), None) = (deeds.next(), deeds.next()) else {
        let what = "a step does one thing: give it one of `send`, `request`, `query`, `advance` \
                    and `config`";
        let what = what.to_owned();
        return Err(Wrong { at, what });
    };
    let (deed, expect) = (deed?, expect::expectation(expect)?);
    if expect.answer.is_some() && !matches!(deed, Deed::Request(_) | Deed::Query(_)) {
        let what = "there is an answer to `request` and `query` only: leave `answer` out";
        let what = what.to_owned();
        return Err(Wrong { at, what });
    }
    Ok(Step {
        line,
        name,
        deed,
        http: answers(http)?,
        expect,
    })
}

fn message(stated: Spanned<raw::Send>) -> Result<Send, Wrong> {
    let at = stated.span().start;
    let raw::Send {
        topic,
        key,
        tag,
        headers,
        json,
        body,
        body_base64,
        delay,
    } = stated.into_inner();
    let body = Body::of(json, body, body_base64).map_err(|what| Wrong { at, what })?;
    let headers = headers.into_iter();
    Ok(Send {
        topic: topic.into(),
        key: key.map(Name::from),
        tag: tag.map(Name::from),
        headers: headers.map(|(n, v)| (n.into(), v.into())).collect(),
        body: body.map(Body::into_bytes).unwrap_or_default(),
        delay: delay.as_ref().map(span).transpose()?,
    })
}

fn ask(stated: Spanned<raw::Ask>) -> Result<Request, Wrong> {
    let at = stated.span().start;
    let raw::Ask {
        method,
        path,
        query,
        headers,
        json,
        body,
        body_base64,
    } = stated.into_inner();
    if !path.starts_with('/') || path.contains(['?', '#']) {
        let what = format!(
            "`{path}` is no path: it begins with `/`, and what stands behind a `?` is in `query`"
        );
        return Err(Wrong { at, what });
    }
    let body = Body::of(json, body, body_base64).map_err(|what| Wrong { at, what })?;
    Ok(Request {
        method: method.to_uppercase(),
        path,
        query: query.into_iter().collect(),
        headers: lower_case(headers),
        body: body.map(Body::into_bytes).unwrap_or_default(),
    })
}

fn question(stated: raw::Query) -> Result<Query, Wrong> {
    let raw::Query {
        key,
        path,
        params,
        query,
        headers,
    } = stated;
    if !(1..=KEY_BYTES_MAX).contains(&key.get_ref().len()) {
        let what = format!("a key has 1 to {KEY_BYTES_MAX} bytes");
        return Err(Wrong::at(&key, what));
    }
    let request = wasmill_model::http::Request {
        method: "GET".to_owned(),
        path: path.unwrap_or_else(|| "/".to_owned()),
        params: params.into_iter().collect(),
        query: query.into_iter().collect(),
        headers: lower_case(headers),
        body: Bytes::new(),
    };
    Ok(Query {
        key: key.into_inner().into(),
        request,
    })
}

/// Headers as plugins get them.
fn lower_case(headers: BTreeMap<String, String>) -> Vec<(String, String)> {
    let headers = headers.into_iter();
    headers
        .map(|(name, value)| (name.to_lowercase(), value))
        .collect()
}

/// Values as plugins get them: as text.
fn settings(
    values: BTreeMap<String, Spanned<toml::Value>>,
) -> Result<BTreeMap<String, String>, Wrong> {
    let text = |(name, value): (String, Spanned<toml::Value>)| {
        let text = match value.get_ref() {
            toml::Value::String(text) => text.clone(),
            toml::Value::Table(_) | toml::Value::Array(_) => {
                let what = format!("`{name}` is no text, number or truth value");
                return Err(Wrong::at(&value, what));
            }
            plain => plain.to_string(),
        };
        Ok((name, text))
    };
    values.into_iter().map(text).collect()
}

fn answers(stated: Vec<Spanned<raw::Answer>>) -> Result<Vec<Answer>, Wrong> {
    stated.into_iter().map(answer).collect()
}

fn answer(stated: Spanned<raw::Answer>) -> Result<Answer, Wrong> {
    let at = stated.span().start;
    let wrong = |what| Wrong { at, what };
    let raw::Answer {
        method,
        url,
        status,
        headers,
        json,
        body,
        body_base64,
    } = stated.into_inner();
    let code = status.unwrap_or(200);
    let status = StatusCode::from_u16(code)
        .map_err(|_| wrong(format!("`status` is {code}: a status is from 100 to 999")))?;
    let header = |(name, value): (String, String)| {
        let pair = (
            HeaderName::try_from(name.as_str()),
            HeaderValue::try_from(value),
        );
        match pair {
            (Ok(name), Ok(value)) => Ok((name, value)),
            _ => Err(wrong(format!("header `{name}` is none that HTTP knows"))),
        }
    };
    let body = Body::of(json, body, body_base64).map_err(wrong)?;
    Ok(Answer {
        method,
        url,
        status,
        headers: headers.into_iter().map(header).collect::<Result<_, _>>()?,
        body: body.map(Body::into_bytes).unwrap_or_default(),
    })
}

/// A span of time.
pub(super) fn span(text: &Spanned<String>) -> Result<Duration, Wrong> {
    let stated = text.get_ref();
    let span = humantime::parse_duration(stated).map_err(|_| {
        let what = format!("`{stated}` is no span of time: write it as `90s`, `30m` or `365d`");
        Wrong::at(text, what)
    })?;
    if span > SPAN_MAX {
        let what = format!("`{stated}` is more than a thousand years");
        return Err(Wrong::at(text, what));
    }
    Ok(span)
}

fn time(text: &Spanned<String>) -> Result<Millis, Wrong> {
    let stated = text.get_ref();
    let since = humantime::parse_rfc3339(stated)
        .ok()
        .and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok())
        .and_then(|since| u64::try_from(since.as_millis()).ok());
    since.map(Millis).ok_or_else(|| {
        let what = format!("`{stated}` is no time: write it as `2026-01-01T00:00:00Z`");
        Wrong::at(text, what)
    })
}
