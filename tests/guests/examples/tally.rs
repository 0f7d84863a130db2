//! A guest whose earlier versions, `counter`, kept the number of messages under another name.

use wasmill_test_guests::guest::{Failure, Message, Request, queue, retry, send, state};
use world::exports::wasmill::plugin::checker::{self, Half, Verdict};
use world::exports::wasmill::plugin::gate::{self, Accepted, Problem};
use world::exports::wasmill::plugin::query::{self, Response};
use world::exports::wasmill::plugin::{handler, migration};

wasmill_test_guests::world!("full", Component);

struct Component;

impl handler::Guest for Component {
    /// Counts the message. `forget` deletes the state, `stay` never ends.
    fn handle(message: Message) -> Result<(), Failure> {
        match &message.body[..] {
            b"forget" => return state::delete("total").map_err(retry),
            b"stay" => loop {
                std::hint::spin_loop();
            },
            _ => {}
        }
        let total = total()? + 1;
        state::put("total", total.to_string().as_bytes()).map_err(retry)?;
        send("counted", message.body).map_err(retry).map(drop)
    }
}

impl migration::Guest for Component {
    fn migrate(from: u32) -> Result<(), Failure> {
        if from != 1 {
            return Err(Failure::Reject(format!("version {from} is unknown")));
        }
        // Only the state is to be had here.
        if queue::recall("none").is_ok() {
            return Err(Failure::Reject("a recall was possible".to_owned()));
        }
        let Some(seen) = state::get("seen").map_err(retry)? else {
            return Ok(());
        };
        if seen == b"poison" {
            return Err(Failure::Reject("poison cannot be migrated".to_owned()));
        }
        state::put("total", &seen).map_err(retry)?;
        state::delete("seen").map_err(retry)
    }
}

impl query::Guest for Component {
    /// The total, and whether anything is left under the old name.
    fn answer(_key: String, _request: Request) -> Response {
        let left = state::get("seen").is_ok_and(|seen| seen.is_some());
        let total = total().unwrap_or_default();
        Response {
            status: 200,
            headers: Vec::new(),
            body: format!("{total} {left}").into_bytes(),
            settled: false,
        }
    }
}

impl gate::Guest for Component {
    fn admit(request: Request) -> Result<Accepted, Problem> {
        Ok(Accepted {
            key: None,
            dedup_id: None,
            tag: None,
            headers: Vec::new(),
            body: request.body,
            answer: Vec::new(),
        })
    }
}

impl checker::Guest for Component {
    fn check(_half: Half) -> Verdict {
        Verdict::Rollback
    }
}

fn total() -> Result<u64, Failure> {
    let total = state::get("total").map_err(retry)?.unwrap_or_default();
    Ok(String::from_utf8_lossy(&total).parse().unwrap_or(0))
}
