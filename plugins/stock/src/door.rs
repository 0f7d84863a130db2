//! `PUT /stock/{sku}` and `POST /stock/{sku}/restock`.

use serde::Deserialize;
use wasmill_plugin_kit::messages::{PutStock, Restock};
use wasmill_plugin_kit::{Accepted, Door, Host, Problem, Request};

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
pub fn admit<H: Host>(_host: &mut H, request: &Request) -> Result<Accepted, Problem> {
    match (request.method.as_str(), request.segments().as_slice()) {
        ("PUT", ["stock", _]) => put(request),
        ("POST", ["stock", _, "restock"]) => restock(request),
        _ => Err(Problem::no_such_door(request)),
    }
}

fn put(request: &Request) -> Result<Accepted, Problem> {
    let sku = request.id_param("sku")?;
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
    Ok(Accepted::new(sku, &put, &serde_json::json!({ "sku": sku })))
}

/// No dedup id: a restock that was refused, since the SKU was not there yet, may come again under
/// its own id. One that was done is in the journal, which knows it for ever.
fn restock(request: &Request) -> Result<Accepted, Problem> {
    let sku = request.id_param("sku")?;
    let RestockBody {
        restock_id,
        quantity,
    } = request.json()?;
    Problem::unless_id(&restock_id, "restock_id")?;
    let some = (1..=PIECES_MAX).contains(&quantity);
    Problem::unless(some, "quantity", "a restock adds 1 to 1000000000 pieces")?;
    let answer = serde_json::json!({ "sku": sku, "restock_id": restock_id });
    let restock = Restock {
        sku: sku.to_owned(),
        restock_id,
        quantity,
    };
    Ok(Accepted::new(sku, &restock, &answer))
}
