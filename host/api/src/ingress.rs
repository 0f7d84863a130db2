//! Ingress routes: a request becomes a message, and is answered once the message is durable.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::time::Instant;
use wasmill_model::http::{Accepted, Request};
use wasmill_model::routes::{Ingress, IngressKey};
use wasmill_model::{Message, MessageId, Name, When};
use wasmill_service::{Dedup, Incoming, Receipt};

use crate::api::State;
use crate::error::Error;
use crate::request::TraceContext;
use crate::table::{Kind, Table};
use crate::template::Template;
use crate::{Platform, query, request, wait};

/// Carries the id of the message that the request became.
const MESSAGE_ID: HeaderName = HeaderName::from_static("wasmill-message-id");
/// Carries the topic of the outcome.
const OUTCOME_TOPIC: HeaderName = HeaderName::from_static("wasmill-outcome-topic");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// An ingress route and the path that answers its repeated requests.
pub(crate) struct Route<'a> {
    pub(crate) ingress: &'a Ingress,
    pub(crate) replay: Option<&'a Template>,
    pub(crate) table: &'a Table,
}

/// A request that was taken in.
struct Taken {
    receipt: Receipt,
    key: Option<Name>,
    answer: Bytes,
}

/// Serves one request.
pub(crate) async fn serve<P: Platform>(
    state: &State<P>,
    platform: &P,
    route: Route<'_>,
    parts: Parts,
    params: Vec<(String, String)>,
    body: Body,
) -> Result<Response, Error> {
    let mut query = request::query_pairs(parts.uri.query())?;
    let wait = wait::take(&mut query, route.ingress, state.limits.wait_max)?;
    let producer_id = match route.ingress {
        // Each alone knows which requests are the same: the gate, or what the route says.
        Ingress { gate: Some(_), .. }
        | Ingress {
            dedup_id: Some(_), ..
        } => None,
        _ => request::idempotency_key(&parts.headers)?,
    };
    let held = state
        .budget
        .read(
            body,
            route.ingress.body_bytes_max,
            state.limits.body_timeout,
        )
        .await?;
    let headers = request::headers(&parts.headers);
    let request = Request {
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        params,
        query,
        headers: headers.clone(),
        body: held.bytes.clone(),
    };
    let trace = TraceContext::of(&parts.headers);
    let taken = take_in(
        platform,
        route.ingress,
        (request, trace),
        producer_id,
        wait.is_some(),
    )
    .await?;
    // From here on the body is no more than what the platform keeps of it.
    drop(held);
    let Taken {
        receipt,
        key,
        answer,
    } = taken;
    let message = receipt.message;
    if let Some(wait) = wait
        && let Some(outcome) = settled(state, platform, &route, receipt, key, headers, wait).await
    {
        return Ok(with_id(outcome, message));
    }
    Ok(with_id(accepted(route.ingress, answer, message), message))
}

async fn take_in<P: Platform>(
    platform: &P,
    route: &Ingress,
    (request, trace): (Request, TraceContext),
    producer_id: Option<String>,
    wait: bool,
) -> Result<Taken, Error> {
    let Accepted {
        key,
        dedup_id,
        tag,
        mut headers,
        body,
        answer,
    } = admit(platform, route, request).await?;
    trace.join(&mut headers);
    let dedup = dedup_id.or(producer_id).map(|id| Dedup {
        id,
        window: route.dedup_window,
    });
    let wait_for = if wait {
        route.wait_for.clone()
    } else {
        Vec::new()
    };
    let topic = route.topic.clone();
    let incoming = Incoming {
        topic,
        key: key.clone(),
        tag,
        headers,
        body,
        dedup,
        deliver: When::Now,
        half: None,
        wait_for,
    };
    let receipt = platform.accept(incoming).await?;
    Ok(Taken {
        receipt,
        key,
        answer,
    })
}

/// The request as a message: by the route's gate, or without one by the route itself.
async fn admit<P: Platform>(
    platform: &P,
    route: &Ingress,
    request: Request,
) -> Result<Accepted, Error> {
    if let Some(gate) = &route.gate {
        return platform.admit(gate, request).await?.map_err(Error::Refused);
    }
    let find = |source: &Option<IngressKey>| {
        let found = source.as_ref().map(|source| source.of(&request));
        found.transpose().map_err(|error| Error::Bad {
            field: None,
            detail: error.to_string(),
        })
    };
    let (key, dedup_id) = (find(&route.key)?, find(&route.dedup_id)?);
    let (headers, answer) = (Vec::new(), Bytes::new());
    Ok(Accepted {
        key,
        dedup_id: dedup_id.map(|id| id.to_string()),
        tag: None,
        headers,
        body: request.body,
        answer,
    })
}

/// The outcome of the flow, or of the one that an earlier request of the same id began.
async fn settled<P: Platform>(
    state: &State<P>,
    platform: &P,
    route: &Route<'_>,
    receipt: Receipt,
    key: Option<Name>,
    headers: Vec<(String, String)>,
    wait: Duration,
) -> Option<Response> {
    let deadline = Instant::now() + wait;
    let outcome = receipt.outcome?;
    // The platform listens for the outcome already. One that came before is in the state by now,
    // so that asking the state after listening misses none.
    if receipt.duplicate
        && let Some(answer) = replay(platform, route, key, headers).await
    {
        return Some(answer);
    }
    let message = wait::outcome(outcome, deadline, state.stopping.subscribe()).await?;
    Some(outcome_response(&message))
}

/// What the route's `query` path answers, if it says that the flow is settled.
async fn replay<P: Platform>(
    platform: &P,
    route: &Route<'_>,
    key: Option<Name>,
    headers: Vec<(String, String)>,
) -> Option<Response> {
    let encoded = utf8_percent_encode(key.as_deref()?, NON_ALPHANUMERIC).to_string();
    let path = route
        .replay?
        .fill(&[("key".to_owned(), encoded)], &[])
        .ok()?;
    let found = route.table.find(&Method::GET, &path).ok()?;
    let Kind::Query { route: asked, key } = &found.endpoint.kind else {
        return None;
    };
    let method = Method::GET.as_str().to_owned();
    let (query, params, body) = (Vec::new(), found.params, Bytes::new());
    let request = Request {
        method,
        path,
        params,
        query,
        headers,
        body,
    };
    match query::ask(platform, asked, key, request).await {
        Ok(answer) if answer.settled => query::response(answer).ok(),
        Ok(_) => None,
        Err(error) => {
            // Not fatal: the outcome may still come, and otherwise the ordinary answer is true.
            tracing::warn!(
                ?error,
                path = asked.path,
                "a repeated request's outcome is unknown"
            );
            None
        }
    }
}

fn outcome_response(message: &Arc<Message>) -> Response {
    let mut response = Body::from(message.body.clone()).into_response();
    let content_type = message.header("content-type").map(HeaderValue::from_str);
    let content_type = content_type.and_then(Result::ok).unwrap_or(JSON);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    if let Ok(topic) = HeaderValue::from_str(&message.topic) {
        response.headers_mut().insert(OUTCOME_TOPIC, topic);
    }
    response
}

/// The ordinary answer.
fn accepted(route: &Ingress, answer: Bytes, message: MessageId) -> Response {
    let status = StatusCode::from_u16(route.answer).unwrap_or(StatusCode::ACCEPTED);
    let body = match answer.is_empty() {
        true => Body::from(format!("{{\"message_id\":\"{message}\"}}")),
        false => Body::from(answer),
    };
    (status, [(header::CONTENT_TYPE, JSON)], body).into_response()
}

fn with_id(mut response: Response, message: MessageId) -> Response {
    if let Ok(id) = HeaderValue::from_str(&message.to_string()) {
        response.headers_mut().insert(MESSAGE_ID, id);
    }
    response
}
