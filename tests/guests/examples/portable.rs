//! A guest of WASI's proposals alone: a handler of `wasi:messaging` that counts its messages in the
//! state, reads config, logs, and answers to the topic `counted`. It knows nothing of this project.

use world::exports::wasi::messaging::incoming_handler::Guest;
use world::wasi::config::store as config;
use world::wasi::keyvalue::{atomics, batch, store};
use world::wasi::logging::logging;
use world::wasi::messaging::types::{Client, Error, Message};
use world::wasi::messaging::{producer, request_reply};

#[expect(
    unsafe_code,
    reason = "the exports are symbols, which bindings are made of"
)]
mod world {
    wit_bindgen::generate!({
        path: "../../host/wasm/wit",
        world: "drafts",
        generate_all,
    });

    use super::Component;

    export!(Component);
}

struct Component;

impl Guest for Component {
    fn handle(message: Message) -> Result<(), Error> {
        match &message.data()[..] {
            b"fail" => return Err(Error::Other("as asked".to_owned())),
            b"list" => return list(),
            b"batch" => return many(),
            b"request" => return request(message),
            b"hoard" => return hoard(),
            b"litter" => return litter(),
            _ => {}
        }
        let bucket = store::open("default").map_err(other)?;
        let count = atomics::increment(&bucket, "count", 1).map_err(other)?;
        let greeting = config::get("greeting").map_err(other)?;
        logging::log(logging::Level::Info, "count", &count.to_string());

        let said = format!(
            "{} {:?} {:?} {:?}",
            greeting.unwrap_or_default(),
            message.topic(),
            message.content_type(),
            message.metadata().unwrap_or_default(),
        );
        bucket.set("said", said.as_bytes()).map_err(other)?;
        message.set_content_type("text/plain");
        message.set_data(count.to_string().as_bytes());
        let client = Client::connect("")?;
        producer::send(&client, "counted", message)
    }
}

/// Walks through the keys by cursor, and tells how they came.
fn list() -> Result<(), Error> {
    let bucket = store::open("").map_err(other)?;
    for number in 0..2_500 {
        bucket.set(&format!("n{number:04}"), b"").map_err(other)?;
    }
    let (mut cursor, mut pages) = (None, Vec::new());
    loop {
        let page = bucket.list_keys(cursor).map_err(other)?;
        pages.push(page.keys.len().to_string());
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    let stale = bucket.list_keys(Some(7)).is_err();
    let absent = matches!(store::open("another"), Err(store::Error::NoSuchStore));
    let said = format!("{} {stale} {absent}", pages.join(" "));
    bucket.set("said", said.as_bytes()).map_err(other)
}

fn many() -> Result<(), Error> {
    let bucket = store::open("").map_err(other)?;
    let pairs = ["a", "b", "c"].map(|name| (name.to_owned(), name.as_bytes().to_vec()));
    batch::set_many(&bucket, &pairs).map_err(other)?;
    batch::delete_many(&bucket, &["b".to_owned()]).map_err(other)?;
    let names = ["a", "b", "c"].map(str::to_owned);
    let found = batch::get_many(&bucket, &names).map_err(other)?;
    bucket.set("large", &vec![0; 600 << 10]).map_err(other)?;
    let large = vec!["large".to_owned(); 500];
    let refused = batch::get_many(&bucket, &large).map_err(other).err();
    let overflow = atomics::increment(&bucket, "a", 1).err().map(other);
    let said = format!(
        "{found:?} {refused:?} {overflow:?} {}",
        bucket.exists("b").map_err(other)?
    );
    bucket.set("said", said.as_bytes()).map_err(other)
}

fn request(message: Message) -> Result<(), Error> {
    let client = Client::connect("default")?;
    let asked = request_reply::request(&client, &"counted".to_owned(), &message, None);
    let reply = Message::new(b"reply");
    request_reply::reply(&message, reply)?;
    asked.map(|_| ())
}

/// Makes messages without end.
fn hoard() -> Result<(), Error> {
    let all: Vec<_> = (0..10_000).map(|_| Message::new(&[0; 1 << 20])).collect();
    Err(Error::Other(format!("{} messages", all.len())))
}

/// Metadata without a letter, which are little here and much on the host.
fn litter() -> Result<(), Error> {
    let pairs = vec![(String::new(), String::new()); 10_000];
    let all = (0..1_000).map(|_| {
        let message = Message::new(&[]);
        message.set_metadata(&pairs);
        message
    });
    let all: Vec<_> = all.collect();
    Err(Error::Other(format!("{} messages", all.len())))
}

fn other(error: impl std::fmt::Debug) -> Error {
    Error::Other(format!("{error:?}"))
}
