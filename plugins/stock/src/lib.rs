//! stock: what there is of a SKU, and who holds it. Key: the SKU.
//!
//! State: `stock`, and one `journal/<order>` for each order that ever asked, so that no value
//! grows. The first answer an order got is the only one it will get.

pub mod domain;
mod door;

use serde::{Deserialize, Serialize};
use wasmill_plugin_kit::messages::{
    PriceChanged, PutStock, Refused, Rejected, ReleaseStock, Reserve, Reserved, Restock, topic,
};
use wasmill_sdk::{Failure, Host, Message, Request, Response, reject};

use domain::{Entry, Put, Stock};
pub use door::admit;

wasmill_sdk::export!(handle, admit, answer);

/// Handles a message of the SKU that is its key.
///
/// # Errors
/// What the host refused, or a message that is none of ours.
pub fn handle(host: &mut impl Host, message: &Message) -> Result<(), Failure> {
    match message.topic.as_str() {
        topic::STOCK_RESERVE => reserve(host, &message.json()?),
        topic::STOCK_RELEASE => release(host, &message.json()?),
        topic::STOCK_PUT => put(host, message.json()?),
        topic::STOCK_RESTOCK => restock(host, &message.json()?),
        _ => Err(message.unexpected()),
    }
}

/// Answers `GET /stock/{sku}`.
pub fn answer(host: &mut impl Host, sku: &str, _request: &Request) -> Response {
    Response::of_state(host, "stock", "SKU", |stock| {
        Response::ok(&View::of(sku, &stock), true)
    })
}

/// A SKU as `GET /stock/{sku}` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// The SKU.
    pub sku: String,
    /// For people.
    pub name: String,
    /// Price of one.
    pub unit_price: u64,
    /// All pieces there ever were.
    pub initial: u64,
    /// Pieces that can be reserved.
    pub available: u64,
    /// Pieces that orders hold.
    pub sold: u64,
}

impl View {
    fn of(sku: &str, stock: &Stock) -> Self {
        Self {
            sku: sku.to_owned(),
            name: stock.name.clone(),
            unit_price: stock.unit_price,
            initial: stock.initial,
            available: stock.available,
            sold: stock.initial - stock.available,
        }
    }
}

fn reserve(host: &mut impl Host, ask: &Reserve) -> Result<(), Failure> {
    let journal = journal_of(&ask.order_id);
    let entry: Option<Entry> = host.load(&journal)?;
    if entry.is_some() {
        return Ok(());
    }
    let stock: Option<Stock> = host.load("stock")?;
    match domain::reserve(stock, ask.quantity) {
        Ok((stock, entry)) => {
            host.save("stock", &stock)?;
            host.save(&journal, &entry)?;
            let reserved = Reserved {
                order_id: ask.order_id.clone(),
                sku: ask.sku.clone(),
                unit_price: stock.unit_price,
            };
            host.send(topic::STOCK_RESERVED, &ask.order_id, &reserved)
        }
        Err(rejection) => {
            host.save(&journal, &Entry::Refused)?;
            let rejected = Rejected {
                order_id: ask.order_id.clone(),
                by: ask.sku.clone(),
                cause: rejection.to_string(),
            };
            host.send(topic::STOCK_REJECTED, &ask.order_id, &rejected)
        }
    }
}

fn release(host: &mut impl Host, ask: &ReleaseStock) -> Result<(), Failure> {
    let journal = journal_of(&ask.order_id);
    let entry: Option<Entry> = host.load(&journal)?;
    let (returned, entry) = domain::release(entry);
    if returned > 0 {
        let stock: Option<Stock> = host.load("stock")?;
        let stock = stock.ok_or_else(|| reject("pieces of a SKU that does not exist"))?;
        host.save("stock", &stock.with_returned(returned))?;
    }
    host.save(&journal, &entry)
}

fn put(host: &mut impl Host, put: PutStock) -> Result<(), Failure> {
    let sku = put.sku.clone();
    let before: Option<Stock> = host.load("stock")?;
    let price_before = before.as_ref().map(|stock| stock.unit_price);
    let stock = domain::put(before, Put::from(put));
    host.save("stock", &stock)?;
    if price_before != Some(stock.unit_price) {
        let change = PriceChanged {
            sku: sku.clone(),
            unit_price: stock.unit_price,
        };
        host.send(topic::PRICE_CHANGED, &sku, &change)?;
    }
    host.send(topic::STOCK_CHANGED, &sku, &View::of(&sku, &stock))
}

fn restock(host: &mut impl Host, ask: &Restock) -> Result<(), Failure> {
    let journal = format!("restock/{}", ask.restock_id);
    let stock: Option<Stock> = host.load("stock")?;
    if host.get(&journal)?.is_some() {
        // Said again for the client that asks again, and waits for it.
        let stock = stock.ok_or_else(|| reject("a restock of a SKU that does not exist"))?;
        return host.send(topic::STOCK_CHANGED, &ask.sku, &View::of(&ask.sku, &stock));
    }
    match domain::restock(stock, ask.quantity) {
        Ok(stock) => {
            host.save("stock", &stock)?;
            host.save(&journal, &ask.quantity)?;
            host.send(topic::STOCK_CHANGED, &ask.sku, &View::of(&ask.sku, &stock))
        }
        Err(rejection) => {
            let refused = Refused {
                id: ask.sku.clone(),
                cause: rejection.to_string(),
            };
            host.send(topic::STOCK_REFUSED, &ask.sku, &refused)
        }
    }
}

fn journal_of(order_id: &str) -> String {
    format!("journal/{order_id}")
}
