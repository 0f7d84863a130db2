//! The doors: what is let in, under which key and id, and what is refused by which field.

use serde_json::{Value, json};
use wasmill_plugin_stock::domain::Stock;
use wasmill_sdk::{Accepted, Problem, Request};

use crate::world::World;

fn request(method: &str, path: &str, body: &Value) -> Request {
    let segments: Vec<_> = path.split('/').collect();
    let parameter = |name: &str, index: usize| {
        (
            name.to_owned(),
            segments.get(index).copied().unwrap_or_default().to_owned(),
        )
    };
    Request {
        method: method.to_owned(),
        path: path.to_owned(),
        params: vec![
            parameter("sku", 2),
            parameter("order_id", 2),
            parameter("coupon_id", 2),
        ],
        query: Vec::new(),
        headers: Vec::new(),
        body: body.to_string().into_bytes(),
    }
}

fn admit(plugin: &str, request: &Request) -> Result<Accepted, Problem> {
    World::new(0).request(plugin, "order.finished", request)
}

fn refused_field(plugin: &str, method: &str, path: &str, body: &Value) -> String {
    let problem = admit(plugin, &request(method, path, body)).expect_err("to be refused");
    assert_eq!(problem.status, 400, "{problem:?}");
    problem
        .field
        .unwrap_or_else(|| panic!("no field is named: {}", problem.detail))
}

fn order() -> Value {
    json!({ "user_id": "ann", "items": [{ "sku": "a", "quantity": 1 }] })
}

fn with(mut body: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
    body.pointer_mut(parent).expect("there")[name] = value;
    body
}

#[test]
fn a_wrong_order_is_refused_by_the_name_of_its_field() {
    let field = |body: &Value| refused_field("order", "POST", "/orders", body);
    assert_eq!(field(&with(order(), "/colour", json!("red"))), "colour");
    let fields_in_order = json!(["o-1", "ann", [{ "sku": "a", "quantity": 1 }]]);
    let problem = admit("order", &request("POST", "/orders", &fields_in_order)).unwrap_err();
    assert!(problem.detail.contains("found an array"), "{problem:?}");
    let item_in_order = with(order(), "/items", json!([["a", 1]]));
    let problem = admit("order", &request("POST", "/orders", &item_in_order)).unwrap_err();
    assert_eq!(problem.status, 400);
    assert_eq!(problem.field.as_deref(), Some("items[0]"));
    assert_eq!(problem.detail, "expected an object, found an array");
    assert_eq!(
        field(&with(order(), "/items/0/colour", json!(1))),
        "items[0].colour"
    );
    assert_eq!(field(&json!({ "items": [] })), "user_id");
    assert_eq!(field(&with(order(), "/items", json!([]))), "items");
    assert_eq!(
        field(&with(order(), "/items", json!([{ "sku": "a" }]))),
        "items[0].quantity"
    );
    assert_eq!(
        field(&with(order(), "/items/0/quantity", json!(0))),
        "items[0].quantity"
    );
    assert_eq!(
        field(&with(order(), "/items/0/quantity", json!(-1))),
        "items[0].quantity"
    );
    assert_eq!(
        field(&with(order(), "/items/0/sku", json!("a/b"))),
        "items[0].sku"
    );
    assert_eq!(field(&with(order(), "/order_id", json!(""))), "order_id");
    assert_eq!(
        field(&with(order(), "/use_balance", json!("yes"))),
        "use_balance"
    );
}

#[test]
fn a_body_that_is_not_json_is_refused() {
    let mut request = request("POST", "/orders", &order());
    request.body.extend(b" and more");
    assert_eq!(
        admit("order", &request).expect_err("to be refused").status,
        400
    );
    request.body = b"\xff".to_vec();
    assert_eq!(
        admit("order", &request).expect_err("to be refused").status,
        400
    );
}

#[test]
fn an_order_is_repeatable_by_its_id_or_its_idempotency_key() {
    let own = with(order(), "/order_id", json!("o1"));
    let mut own = request("POST", "/orders", &own);
    own.headers
        .push(("idempotency-key".to_owned(), "k1".to_owned()));
    let accepted = admit("order", &own).expect("right");
    assert_eq!(
        (accepted.key.as_deref(), accepted.dedup_id.as_deref()),
        (Some("o1"), Some("o1"))
    );
    assert_eq!(accepted.answer, br#"{"order_id":"o1"}"#);

    let mut keyed = request("POST", "/orders", &order());
    keyed
        .headers
        .push(("idempotency-key".to_owned(), "k1".to_owned()));
    let (first, again) = (admit("order", &keyed), admit("order", &keyed));
    assert_eq!(first, again);
    let first = first.expect("right");
    assert_eq!(first.dedup_id, first.key);

    let new = admit("order", &request("POST", "/orders", &order())).expect("right");
    assert_eq!(new.dedup_id, None);
}

#[test]
fn a_flash_order_is_an_order_of_one_sku() {
    let body = json!({ "user_id": "ann", "order_id": "o1" });
    let accepted = admit("order", &request("POST", "/flash/a", &body)).expect("right");
    let placed: Value = serde_json::from_slice(&accepted.body).expect("JSON");
    assert_eq!(placed["items"], json!([{ "sku": "a", "quantity": 1 }]));
    assert_eq!(accepted.dedup_id.as_deref(), Some("o1"));
}

#[test]
fn a_restock_that_was_refused_can_come_again_and_is_done_once() {
    let mut world = World::new(0);
    let body = json!({ "restock_id": "r1", "quantity": 5 });
    let restock = request("POST", "/stock/a/restock", &body);
    let mut comes = |topic: &str, request: &Request| {
        let accepted = world.request("stock", topic, request).expect("right");
        assert_eq!(
            (accepted.key.as_deref(), accepted.dedup_id),
            (Some("a"), None)
        );
        world.settle();
        let stock: Option<Stock> = world.load("stock", "a", "stock");
        stock.map(|stock| stock.available)
    };
    assert_eq!(comes("stock.restock", &restock), None, "there is no SKU");
    let put = json!({ "unit_price": 1, "initial": 2 });
    assert_eq!(
        comes("stock.put", &request("PUT", "/stock/a", &put)),
        Some(2)
    );
    assert_eq!(comes("stock.restock", &restock), Some(7));
    assert_eq!(comes("stock.restock", &restock), Some(7));
}

#[test]
fn the_other_doors_name_the_field_too() {
    let user = json!({ "name": "Ann", "email": "a@b", "phone": "1", "balance": 0 });
    let breaks_out = with(user.clone(), "/name", json!("Ann\r\nBcc: all@example.org"));
    assert_eq!(
        refused_field("account", "POST", "/users", &breaks_out),
        "name"
    );
    let no_address = with(user, "/email", json!("nowhere"));
    assert_eq!(
        refused_field("account", "POST", "/users", &no_address),
        "email"
    );
    let stock = json!({ "unit_price": 1, "initial": -1 });
    assert_eq!(refused_field("stock", "PUT", "/stock/a", &stock), "initial");
    let restock = json!({ "restock_id": "r", "quantity": 0 });
    assert_eq!(
        refused_field("stock", "POST", "/stock/a/restock", &restock),
        "quantity"
    );
    let coupon = json!({ "user_id": "ann", "amount": 0 });
    assert_eq!(
        refused_field("coupon", "PUT", "/coupons/c", &coupon),
        "amount"
    );
    assert_eq!(
        refused_field("payment", "POST", "/payments", &json!({ "x": 1 })),
        "x"
    );
}

#[test]
fn an_unsigned_callback_is_refused_before_anything_else_is_looked_at() {
    let mut request = request("POST", "/payments/callback", &json!({ "rubbish": true }));
    for signature in [
        None,
        Some(""),
        Some("sha256="),
        Some("sha256=00"),
        Some("sha1=00"),
    ] {
        request.headers = signature
            .map(|value| ("x-signature".to_owned(), value.to_owned()))
            .into_iter()
            .collect();
        assert_eq!(
            admit("payment", &request).expect_err("unsigned").status,
            401
        );
    }
}

#[test]
fn a_quote_is_made_of_the_last_price_and_refuses_what_is_no_quantity() {
    let mut world = World::new(0);
    let quote = |world: &mut World, quantity: &str| {
        let mut request = request("GET", "/quote", &json!(null));
        request.query = vec![("quantity".to_owned(), quantity.to_owned())];
        let response = world.quote("mug", &request);
        let body: Value = serde_json::from_slice(&response.body).expect("JSON");
        (response.status, body)
    };
    assert_eq!(quote(&mut world, "1").0, 404, "nobody has set a price");
    for price in [700, 1_200] {
        let put = request(
            "PUT",
            "/stock/mug",
            &json!({ "unit_price": price, "initial": 1 }),
        );
        world.request("stock", "stock.put", &put).expect("let in");
        world.settle();
        world.wait(1);
    }
    let (status, quoted) = quote(&mut world, "2");
    assert_eq!(status, 200);
    let expected = json!({
        "sku": "mug", "quantity": 2, "unit_price": 1_200, "goods_amount": 2_400,
        "shipping_fee": 1_000, "pay_amount": 3_400,
    });
    assert_eq!(quoted, expected);
    assert_eq!(
        quote(&mut world, "9").1["shipping_fee"],
        0,
        "free above 100.00"
    );
    for wrong in ["0", "-1", "10001", "x", ""] {
        let (status, problem) = quote(&mut world, wrong);
        assert_eq!((status, &problem["field"]), (400, &json!("quantity")));
    }
}
