//! `POST /orders`, `POST /flash/{sku}`, and the seller's `POST /orders/{id}/finish` and `/refund`.

use serde::Deserialize;
use wasmill_plugin_kit::messages::{Item, Placed, SellerAsks};
use wasmill_plugin_kit::{check_id, id_param};
use wasmill_sdk::{Accepted, Host, Problem, Request};

/// Most items of an order: each is a message of its saga.
const ITEMS_MAX: usize = 100;
/// Most pieces of one item.
const QUANTITY_MAX: u64 = 10_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OrderBody {
    order_id: Option<String>,
    user_id: String,
    items: Vec<Item>,
    coupon_id: Option<String>,
    #[serde(default)]
    use_balance: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FlashBody {
    order_id: Option<String>,
    user_id: String,
    #[serde(default = "one")]
    quantity: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// Lets a request in, or says which field is wrong.
///
/// # Errors
/// The problem.
pub fn admit(host: &mut impl Host, request: &Request) -> Result<Accepted, Problem> {
    match (request.method.as_str(), request.segments().as_slice()) {
        ("POST", ["orders"]) => place(host, request, request.json()?),
        ("POST", ["orders", _, "finish" | "refund"]) => seller(request),
        ("POST", ["flash", _]) => flash(host, request),
        _ => Err(Problem::no_such_route(request)),
    }
}

/// The order's id is the key, and what tells a repeated request from a new one: the client's own,
/// or the one that its `Idempotency-Key` decides, or a new one.
fn place(host: &mut impl Host, request: &Request, body: OrderBody) -> Result<Accepted, Problem> {
    let OrderBody {
        order_id,
        user_id,
        items,
        coupon_id,
        use_balance,
    } = body;
    check_id(&user_id, "user_id")?;
    if let Some(coupon_id) = &coupon_id {
        check_id(coupon_id, "coupon_id")?;
    }
    let bounded = (1..=ITEMS_MAX).contains(&items.len());
    Problem::unless(bounded, "items", "an order has 1 to 100 items")?;
    for (index, item) in items.iter().enumerate() {
        check_id(&item.sku, &format!("items[{index}].sku"))?;
        let field = format!("items[{index}].quantity");
        let some = (1..=QUANTITY_MAX).contains(&item.quantity);
        Problem::unless(some, &field, "an item has 1 to 10000 pieces")?;
    }
    let (order_id, repeatable) = match order_id {
        Some(order_id) => (order_id, true),
        None => match request.idempotent_id("order", &user_id)? {
            Some(order_id) => (order_id, true),
            None => (host.random_id(), false),
        },
    };
    check_id(&order_id, "order_id")?;
    let answer = serde_json::json!({ "order_id": order_id });
    let placed = Placed {
        order_id,
        user_id,
        items,
        coupon_id,
        use_balance,
    };
    let accepted = Accepted::json(&placed.order_id, &placed, &answer)?;
    Ok(if repeatable {
        accepted.once(placed.order_id)
    } else {
        accepted
    })
}

/// An order for one SKU, without coupon and balance.
fn flash(host: &mut impl Host, request: &Request) -> Result<Accepted, Problem> {
    let sku = id_param(request, "sku")?.to_owned();
    let FlashBody {
        order_id,
        user_id,
        quantity,
    } = request.json()?;
    let some = (1..=QUANTITY_MAX).contains(&quantity);
    Problem::unless(some, "quantity", "a flash order has 1 to 10000 pieces")?;
    let items = vec![Item { sku, quantity }];
    let body = OrderBody {
        order_id,
        user_id,
        items,
        coupon_id: None,
        use_balance: false,
    };
    place(host, request, body)
}

/// No dedup id: what was refused, since the order was not paid yet, may be asked for again. The
/// order itself knows what was done.
fn seller(request: &Request) -> Result<Accepted, Problem> {
    let order_id = id_param(request, "order_id")?;
    let Nothing {} = request.json()?;
    let asks = SellerAsks {
        order_id: order_id.to_owned(),
    };
    let answer = serde_json::json!({ "order_id": order_id });
    Accepted::json(order_id, &asks, &answer)
}

fn one() -> u64 {
    1
}
