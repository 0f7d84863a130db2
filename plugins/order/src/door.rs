//! `POST /orders`, `POST /flash/{sku}`, and the seller's `POST /orders/{id}/finish` and `/refund`.

use serde::Deserialize;
use wasmill_plugin_kit::messages::{Item, Placed, SellerAsks};
use wasmill_plugin_kit::{Accepted, Door, Host, Problem, Request};

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
pub fn admit<H: Host>(host: &mut H, request: &Request) -> Result<Accepted, Problem> {
    match (request.method.as_str(), request.segments().as_slice()) {
        ("POST", ["orders"]) => place(host, request, request.json()?),
        ("POST", ["orders", _, "finish" | "refund"]) => seller(request),
        ("POST", ["flash", _]) => flash(host, request),
        _ => Err(Problem::no_such_door(request)),
    }
}

/// The order's id is the key, and what tells a repeated request from a new one: the client's own,
/// or the one that its `Idempotency-Key` decides, or a new one.
fn place<H: Host>(host: &mut H, request: &Request, body: OrderBody) -> Result<Accepted, Problem> {
    let OrderBody {
        order_id,
        user_id,
        items,
        coupon_id,
        use_balance,
    } = body;
    Problem::unless_id(&user_id, "user_id")?;
    if let Some(coupon_id) = &coupon_id {
        Problem::unless_id(coupon_id, "coupon_id")?;
    }
    let bounded = (1..=ITEMS_MAX).contains(&items.len());
    Problem::unless(bounded, "items", "an order has 1 to 100 items")?;
    for (index, item) in items.iter().enumerate() {
        Problem::unless_id(&item.sku, &format!("items[{index}].sku"))?;
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
    Problem::unless_id(&order_id, "order_id")?;
    let answer = serde_json::json!({ "order_id": order_id });
    let placed = Placed {
        order_id,
        user_id,
        items,
        coupon_id,
        use_balance,
    };
    let accepted = Accepted::new(&placed.order_id, &placed, &answer);
    Ok(if repeatable {
        accepted.once(placed.order_id)
    } else {
        accepted
    })
}

/// An order for one SKU, without coupon and balance.
fn flash<H: Host>(host: &mut H, request: &Request) -> Result<Accepted, Problem> {
    let sku = request.id_param("sku")?.to_owned();
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
    let order_id = request.id_param("order_id")?;
    let Nothing {} = request.json()?;
    let asks = SellerAsks {
        order_id: order_id.to_owned(),
    };
    let answer = serde_json::json!({ "order_id": order_id });
    Ok(Accepted::new(order_id, &asks, &answer))
}

fn one() -> u64 {
    1
}
