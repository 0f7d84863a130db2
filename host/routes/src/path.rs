//! Paths of HTTP routes and templates over their parameters.

use std::collections::HashMap;

use crate::suggest::did_you_mean;

/// Longest path.
const PATH_BYTES_MAX: usize = 1024;
/// Paths that the host itself answers.
const RESERVED: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// Checks a path such as `/orders/{order_id}`; returns its parameters.
pub(crate) fn parameters(path: &str) -> Result<Vec<&str>, String> {
    if path.len() > PATH_BYTES_MAX {
        return Err(format!(
            "has {} bytes, more than the {PATH_BYTES_MAX} allowed",
            path.len()
        ));
    }
    if RESERVED.contains(&path) {
        return Err(format!(
            "is `{path}`, which the host itself answers; choose another path"
        ));
    }
    let Some(rest) = path.strip_prefix('/') else {
        return Err(format!("is `{path}`, but a path begins with `/`"));
    };
    let mut found = Vec::new();
    if rest.is_empty() {
        return Ok(found);
    }
    for segment in rest.split('/') {
        let Some(name) = parameter(segment).map_err(|what| format!("is `{path}`, {what}"))? else {
            continue;
        };
        if found.contains(&name) {
            return Err(format!(
                "is `{path}`, which has the parameter `{name}` twice"
            ));
        }
        found.push(name);
    }
    Ok(found)
}

/// The parameter that a segment is, if it is one.
fn parameter(segment: &str) -> Result<Option<&str>, String> {
    let literal = |b: u8| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&b);
    if let Some(name) = segment
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
    {
        if is_word(name) {
            return Ok(Some(name));
        }
        return Err(format!(
            "whose parameter `{name}` is not of letters, digits and `_`"
        ));
    }
    match segment {
        "" => Err("which has an empty segment; remove the extra `/`".to_owned()),
        "." | ".." => Err(format!("whose segment `{segment}` no client would send")),
        _ if segment.bytes().all(literal) => Ok(None),
        _ => Err(format!(
            "whose segment `{segment}` is neither plain text nor one `{{parameter}}`"
        )),
    }
}

/// A place in a template that a value is put in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Hole<'a> {
    /// `{name}`: a parameter of the path.
    Path(&'a str),
    /// `{?name}`: a parameter of the query string.
    Query(&'a str),
}

/// The holes of a template such as `{warehouse}/{?sku}`.
pub(crate) fn holes(template: &str) -> Result<Vec<Hole<'_>>, String> {
    let mut found = Vec::new();
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        let inner = rest[at..]
            .strip_prefix('{')
            .and_then(|rest| rest.split_once('}'));
        let Some((name, after)) = inner else {
            return Err(format!("is `{template}`, whose braces do not match"));
        };
        let hole = match name.strip_prefix('?') {
            Some(name) => Hole::Query(name),
            None => Hole::Path(name),
        };
        let (Hole::Path(name) | Hole::Query(name)) = hole;
        if name.is_empty() || name.contains('{') {
            return Err(format!(
                "is `{template}`, whose braces hold no parameter's name"
            ));
        }
        found.push(hole);
        rest = after;
    }
    Ok(found)
}

/// Checks that the path has a parameter `name`.
pub(crate) fn known_parameter(name: &str, parameters: &[String]) -> Result<(), String> {
    if parameters.iter().any(|parameter| parameter == name) {
        return Ok(());
    }
    let hint = did_you_mean(name, parameters.iter().map(String::as_str));
    Err(format!(
        "uses the parameter `{name}`, which the path does not have{hint}"
    ))
}

/// The routes of one method, to find paths that a request could not tell apart.
#[derive(Default)]
pub(crate) struct Paths {
    router: matchit::Router<()>,
    lines: HashMap<String, usize>,
}

impl Paths {
    /// Adds a checked path that stands on `line`.
    pub(crate) fn add(&mut self, path: &str, line: usize) -> Result<(), String> {
        match self.router.insert(path, ()) {
            Ok(()) => {
                self.lines.insert(path.to_owned(), line);
                Ok(())
            }
            Err(matchit::InsertError::Conflict { with }) => {
                let place = self
                    .lines
                    .get(&with)
                    .map_or(String::new(), |n| format!(" of line {n}"));
                Err(format!(
                    "is `{path}`, which matches the same requests as `{with}`{place}"
                ))
            }
            Err(error) => Err(format!("is `{path}`: {error}")),
        }
    }

    /// Whether a request for `path` would find a route.
    pub(crate) fn matches(&self, path: &str) -> bool {
        self.router.at(path).is_ok()
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}
