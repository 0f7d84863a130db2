//! `PUT /stock/{sku}` and `POST /stock/{sku}/restock`.

use serde::Deserialize;
use wasmill_plugin_kit::messages::{PutStock, Restock};
use wasmill_plugin_kit::{check_id, id_param};
use wasmill_sdk::{Accepted, Host, Problem, Request};

/// Keeps every sum of an order far within 64 bits.
const PRICE_MAX: u64 = 10_000_000_000;
/// Most pieces of one put or restock.
const PIECES_MAX: u64 = 1_000_000_000;
/// Longest name.
const NAME_BYTES_MAX: usize = 200;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PutBody {
    unit_price: u64,
    /// A put that only changes the price need not repeat it.
    #[serde(default)]
    initial: u64,
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RestockBody {
    restock_id: String,
    quantity: u64,
}

/// Lets a request in, or says which field is wrong.
///
/// # Errors
/// The problem.
pub fn admit(_host: &mut impl Host, request: &Request) -> Result<Accepted, Problem> {
    match (request.method.as_str(), request.segments().as_slice()) {
        ("PUT", ["stock", _]) => put(request),
        ("POST", ["stock", _, "restock"]) => restock(request),
        _ => Err(Problem::no_such_route(request)),
    }
}

fn put(request: &Request) -> Result<Accepted, Problem> {
    let sku = id_param(request, "sku")?;
    let PutBody {
        unit_price,
        initial,
        name,
    } = request.json()?;
    Problem::unless(
        unit_price <= PRICE_MAX,
        "unit_price",
        "a price is at most 10000000000 cents",
    )?;
    Problem::unless(
        initial <= PIECES_MAX,
        "initial",
        "at most 1000000000 pieces",
    )?;
    let short = name
        .as_ref()
        .is_none_or(|name| name.len() <= NAME_BYTES_MAX);
    Problem::unless(short, "name", "a name has at most 200 bytes")?;
    let put = PutStock {
        sku: sku.to_owned(),
        name,
        unit_price,
        initial,
    };
    Accepted::json(sku, &put, &serde_json::json!({ "sku": sku }))
}

/// No dedup id: a restock that was refused, since the SKU was not there yet, may come again under
/// its own id. One that was done is in the journal, which knows it for ever.
fn restock(request: &Request) -> Result<Accepted, Problem> {
    let sku = id_param(request, "sku")?;
    let RestockBody {
        restock_id,
        quantity,
    } = request.json()?;
    check_id(&restock_id, "restock_id")?;
    let some = (1..=PIECES_MAX).contains(&quantity);
    Problem::unless(some, "quantity", "a restock adds 1 to 1000000000 pieces")?;
    let answer = serde_json::json!({ "sku": sku, "restock_id": restock_id });
    let restock = Restock {
        sku: sku.to_owned(),
        restock_id,
        quantity,
    };
    Accepted::json(sku, &restock, &answer)
}
