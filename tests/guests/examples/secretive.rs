//! A guest with a secret `KEY`, which it tells as its message says: to the log, to standard output or
//! error, in a panic, as the cause of a failure. `keep` keeps what its config and environment say.

use wasmill_test_guests::guest::log::{self, Level};
use wasmill_test_guests::guest::{Failure, Message, config, retry, state};

wasmill_test_guests::handler!(handle);

fn handle(message: &Message) -> Result<(), Failure> {
    let key = config::get("KEY").ok_or_else(|| retry("no secret"))?;
    match &message.body[..] {
        b"log" => log::write(Level::Info, &format!("the key is {key}.")),
        b"print" => {
            println!("the key is {key}.");
            eprintln!("{}the key is {key}.", "x".repeat(8 << 10));
        }
        b"panic" => panic!("the key is {key}."),
        b"retry" => return Err(Failure::Retry(format!("the key is {key}."))),
        b"reject" => return Err(Failure::Reject(format!("{:?}", [&key]))),
        _ => {
            let all = config::get_all();
            let env: Vec<_> = std::env::vars().collect();
            state::put("all", format!("{all:?} {env:?}").as_bytes()).map_err(retry)?;
            state::put("key", key.as_bytes()).map_err(retry)?;
        }
    }
    Ok(())
}
