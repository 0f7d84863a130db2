//! `?wait=2s`: the client would rather wait for the outcome than come back for it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, timeout_at};
use wasmill_model::Message;
use wasmill_model::routes::Ingress;

use crate::error::Error;

/// The parameter's name.
const WAIT: &str = "wait";

/// Takes `wait` out of the query's pairs, as it is not the plugin's; returns how long to wait.
pub(crate) fn take(
    query: &mut Vec<(String, String)>,
    route: &Ingress,
    wait_max: Duration,
) -> Result<Option<Duration>, Error> {
    let mut asked = query
        .extract_if(.., |(name, _)| name == WAIT)
        .map(|(_, value)| value);
    let Some(text) = asked.next() else {
        return Ok(None);
    };
    if asked.next().is_some() {
        return Err(Error::bad(WAIT, "`wait` is given more than once"));
    }
    if route.wait_for.is_empty() {
        return Err(Error::bad(
            WAIT,
            "this route has no outcome to wait for; leave `wait` out",
        ));
    }
    match humantime::parse_duration(&text) {
        Ok(span) if span <= wait_max => Ok(Some(span)),
        Ok(_) => {
            let max = humantime::format_duration(wait_max);
            Err(Error::bad(
                WAIT,
                format!("`wait` is {text}, but at most {max} is allowed"),
            ))
        }
        Err(_) => {
            let what = format!("`wait` is `{text}`, which is not a span of time such as `2s`");
            Err(Error::bad(WAIT, what))
        }
    }
}

/// The outcome, if it comes before the deadline and before the host stops.
pub(crate) async fn outcome(
    receiver: oneshot::Receiver<Arc<Message>>,
    deadline: Instant,
    mut stopping: watch::Receiver<bool>,
) -> Option<Arc<Message>> {
    let stopped = async {
        // An error means that the API is gone, which is a stop as well.
        let _ = stopping.wait_for(|stopping| *stopping).await;
    };
    tokio::select! {
        outcome = timeout_at(deadline, receiver) => outcome.ok()?.ok(),
        () = stopped => None,
    }
}
