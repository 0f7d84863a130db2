//! What comes in over HTTP: requests that become messages, by the plugin's gate or by their route, and
//! questions to its query. Neither writes anything, so the host does not die while they are answered.

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;
use serde_json::json;
use wasmill_engine::{Incoming, ProducerId, Refused};
use wasmill_model::effects::Scope;
use wasmill_model::http::{Accepted, Problem};
use wasmill_model::limits::{Part, STATE_NAME_BYTES_MAX};
use wasmill_model::routes::{Ingress, IngressKey, KeyError};
use wasmill_model::{Name, When, http::Request};
use wasmill_port::{Guests, ScopeState, guest};

use super::{Cast, Stage};
use crate::error::Error;
use crate::routing::Found;
use crate::scenario::Query;
use crate::watch::Seen;

/// The header that carries the producer's id of a request.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// What a request or a question was answered with.
#[derive(Clone, Debug)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    /// The key of the message that the request became.
    pub(crate) key: Option<Name>,
    pub(crate) body: Bytes,
    /// Whether the body names the message: its id may be another after a crash.
    names_message: bool,
    pub(crate) problem: Option<Problem>,
    /// What the plugin did meanwhile.
    pub(crate) seen: Arc<Seen>,
}

impl Answered {
    /// Whether the other says the same, as far as that can be.
    pub(crate) fn says_the_same(&self, other: &Self) -> bool {
        let same_body = self.body == other.body || (self.names_message && other.names_message);
        same_body && self.status == other.status && self.key == other.key
    }
}

impl Stage {
    /// Takes a request in, as its route says; its message is durable when this returns.
    pub(crate) async fn request(&mut self, cast: &Cast, found: Found) -> Result<Answered, Error> {
        let Found { route, request } = found;
        if request.body.len() > route.body_bytes_max {
            let detail = format!("the body is larger than {} bytes", route.body_bytes_max);
            return Ok(refused(problem(413, detail), Arc::default()));
        }
        let dedup_id = match producer_id(&route, &request) {
            Ok(dedup_id) => dedup_id,
            Err(problem) => return Ok(refused(problem, Arc::default())),
        };
        let (admitted, seen) = match &route.gate {
            Some(gate) => {
                let (admitted, seen) = aside(cast, cast.registry.admit(gate, request)).await;
                (admitted.unwrap_or_else(|error| Err(failed(&error))), seen)
            }
            None => (without_gate(&route, request), Arc::default()),
        };
        let accepted = match admitted {
            Ok(accepted) => accepted,
            Err(problem) => return Ok(refused(problem, seen)),
        };
        let (key, answer) = (accepted.key.clone(), accepted.answer.clone());
        let taken = self.take_in(incoming(&route, accepted, dedup_id))?;
        Ok(match taken {
            Ok(accepted) => Answered {
                status: route.answer,
                key,
                body: match answer.is_empty() {
                    true => format!("{{\"message_id\":\"{}\"}}", accepted.message).into(),
                    false => answer.clone(),
                },
                names_message: answer.is_empty(),
                problem: None,
                seen,
            },
            Err(why) => refused(not_taken(&why), seen),
        })
    }

    /// Asks the plugin's query about the durable state of a key.
    pub(crate) async fn query(&mut self, cast: &Cast, query: &Query) -> Answered {
        let scope = Scope {
            plugin: cast.plugin.clone(),
            key: query.key.clone(),
        };
        let recent = self.engine.recent(&scope);
        let state = ScopeState::new(scope, recent, self.context.reader.clone());
        let request = query.request.clone();
        let (answer, seen) = aside(cast, cast.registry.answer(state, request)).await;
        match answer {
            Ok(answer) => Answered {
                status: answer.status,
                key: None,
                body: answer.body,
                names_message: false,
                problem: None,
                seen,
            },
            Err(error) => refused(failed(&error), seen),
        }
    }
}

/// Calls the plugin with what is no message.
async fn aside<T>(cast: &Cast, calling: impl Future<Output = T>) -> (T, Arc<Seen>) {
    cast.watch.aside_begins();
    let returned = calling.await;
    (returned, Arc::new(cast.watch.aside_ended()))
}

/// The id of the request in its header, where neither a gate nor the route says which requests are
/// the same.
fn producer_id(route: &Ingress, request: &Request) -> Result<Option<String>, Problem> {
    if route.gate.is_some() || route.dedup_id.is_some() {
        return Ok(None);
    }
    let mut headers = request.headers.iter();
    match headers.find(|(name, _)| name == IDEMPOTENCY_KEY) {
        Some((_, id)) if !(1..=STATE_NAME_BYTES_MAX).contains(&id.len()) => {
            let detail = format!("`Idempotency-Key` has 1 to {STATE_NAME_BYTES_MAX} bytes");
            Err(problem(400, detail))
        }
        found => Ok(found.map(|(_, id)| id.clone())),
    }
}

/// The request as a message, as a route without a gate says.
fn without_gate(route: &Ingress, request: Request) -> Result<Accepted, Problem> {
    let find = |source: &Option<IngressKey>| {
        let found = source.as_ref().map(|source| source.of(&request));
        let wrong = |error: KeyError| problem(400, error.to_string());
        found.transpose().map_err(wrong)
    };
    let (key, dedup_id) = (find(&route.key)?, find(&route.dedup_id)?);
    Ok(Accepted {
        key,
        dedup_id: dedup_id.map(|id| id.to_string()),
        tag: None,
        headers: Vec::new(),
        body: request.body,
        answer: Bytes::new(),
    })
}

fn incoming(route: &Ingress, accepted: Accepted, dedup_id: Option<String>) -> Incoming {
    let id = accepted.dedup_id.or(dedup_id);
    Incoming {
        topic: route.topic.clone(),
        key: accepted.key,
        tag: accepted.tag,
        headers: accepted.headers,
        body: accepted.body,
        producer_id: id.map(|id| ProducerId {
            id,
            window: route.dedup_window,
            claimed: None,
        }),
        deliver: When::Now,
        half: None,
        watch: false,
    }
}

/// Why a gate or a query did not answer; callers of a real host are told less.
fn failed(error: &guest::Error) -> Problem {
    let status = match error {
        guest::Error::Unavailable(_) => 503,
        guest::Error::NoExport { .. } | guest::Error::Failed { .. } => 500,
    };
    problem(status, error.to_string())
}

fn not_taken(why: &Refused) -> Problem {
    let status = match why {
        Refused::Conflict(_) => 422,
        Refused::Quota(_) => 429,
        Refused::Limit(over) if over.exceeded.part == Some(Part::Body) => 413,
        _ => 400,
    };
    problem(status, why.to_string())
}

fn problem(status: u16, detail: String) -> Problem {
    Problem {
        status,
        title: String::new(),
        detail,
        field: None,
    }
}

/// A problem as the host answers it (RFC 9457).
fn refused(problem: Problem, seen: Arc<Seen>) -> Answered {
    let status = StatusCode::from_u16(problem.status).ok();
    let status = status.filter(|it| it.is_client_error() || it.is_server_error());
    let status = status.unwrap_or(StatusCode::BAD_REQUEST);
    let title = match problem.title.as_str() {
        "" => status.canonical_reason().unwrap_or("Error"),
        title => title,
    };
    let mut body = json!({
        "type": "about:blank",
        "title": title,
        "status": status.as_u16(),
        "detail": problem.detail,
    });
    if let Some(field) = &problem.field {
        body["field"] = field.as_str().into();
    }
    Answered {
        status: status.as_u16(),
        key: None,
        body: body.to_string().into(),
        names_message: false,
        problem: Some(problem),
        seen,
    }
}
