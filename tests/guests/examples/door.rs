//! A guest with all three exports. Its gate and its query try what is not theirs when asked to.

use wasmill_test_guests::guest::{Failure, Message, Request, retry, send, state};
use world::exports::wasmill::plugin::gate::{self, Accepted, Problem};
use world::exports::wasmill::plugin::handler;
use world::exports::wasmill::plugin::query::{self, Response};

wasmill_test_guests::world!("service", Component);

struct Component;

impl handler::Guest for Component {
    fn handle(message: Message) -> Result<(), Failure> {
        state::put("last", &message.body).map_err(retry)
    }
}

impl gate::Guest for Component {
    fn admit(request: Request) -> Result<Accepted, Problem> {
        match request.path.as_str() {
            "/trap" => panic!("asked to"),
            "/write" => Err(problem(400, format!("{:?}", state::put("last", b"gate")))),
            "/strange" => Err(problem(700, "no status".to_owned())),
            "/refuse" => Err(problem(422, "not today".to_owned())),
            _ => Ok(Accepted {
                key: request.params.first().map(|(_, value)| value.clone()),
                dedup_id: None,
                tag: Some(request.method),
                headers: request.query,
                body: request.body,
                answer: b"{}".to_vec(),
            }),
        }
    }
}

impl query::Guest for Component {
    fn answer(key: String, request: Request) -> Response {
        let body = match request.path.as_str() {
            "/write" => format!("{:?}", state::put("last", b"query")).into_bytes(),
            "/send" => format!("{:?}", send("counted", Vec::new())).into_bytes(),
            "/hidden" => {
                format!("{:?} {:?}", state::get("\0tname"), state::scan("", None, 9)).into_bytes()
            }
            _ => state::get("last")
                .ok()
                .flatten()
                .unwrap_or_else(|| key.into_bytes()),
        };
        Response {
            status: 200,
            headers: Vec::new(),
            body,
            settled: true,
        }
    }
}

fn problem(status: u16, detail: String) -> Problem {
    Problem {
        status,
        title: "refused".to_owned(),
        detail,
        field: Some("field".to_owned()),
    }
}
