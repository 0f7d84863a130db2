//! A guest with half messages. What comes of one is in its name and in the message's body.

use wasmill_test_guests::guest::types::{Delivery, HalfState, Outgoing};
use wasmill_test_guests::guest::{Failure, Message, queue, retry, transaction};
use world::exports::wasmill::plugin::checker::{self, Half, Verdict};
use world::exports::wasmill::plugin::handler;

wasmill_test_guests::world!("step-with-checker", Component);

struct Component;

impl handler::Guest for Component {
    /// The body is the half message's name, then what to do once it is prepared.
    fn handle(message: Message) -> Result<(), Failure> {
        let body = String::from_utf8_lossy(&message.body);
        let (name, deed) = body.split_once(' ').expect("a name and a deed");
        let half = Outgoing {
            topic: "settled".to_owned(),
            key: message.key.clone(),
            tag: None,
            headers: Vec::new(),
            body: name.as_bytes().to_vec(),
            when: Delivery::Now,
        };
        match transaction::prepare(name, &half).map_err(retry)? {
            HalfState::Prepared => {}
            decided => {
                let told = Outgoing {
                    topic: "told".to_owned(),
                    body: format!("{decided:?}").into_bytes(),
                    ..half
                };
                return queue::send(&told).map(drop).map_err(retry);
            }
        }
        match deed {
            "commit" => drop(transaction::commit(name).map_err(retry)?),
            "rollback" => drop(transaction::rollback(name).map_err(retry)?),
            "trap" if message.attempt == 1 => panic!("asked to"),
            "trap" => drop(transaction::commit(name).map_err(retry)?),
            "stay" => loop {
                std::hint::spin_loop();
            },
            _ => {}
        }
        Ok(())
    }
}

impl checker::Guest for Component {
    fn check(half: Half) -> Verdict {
        match half.name.split('-').next() {
            Some("yes") => Verdict::Commit,
            Some("no") => Verdict::Rollback,
            Some("write") => {
                let refused = transaction::commit(&half.name).expect_err("a checker only decides");
                Verdict::Unknown(format!("{refused:?}"))
            }
            _ => Verdict::Unknown(format!("asked {} times before", half.checks)),
        }
    }
}
