//! `PUT /coupons/{id}`.

use serde::Deserialize;
use wasmill_plugin_kit::messages::PutCoupon;
use wasmill_plugin_kit::{check_id, id_param};
use wasmill_sdk::{Accepted, Host, Problem, Request};

/// Keeps every sum of an order far within 64 bits.
const AMOUNT_MAX: u64 = 10_000_000_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    user_id: String,
    amount: u64,
    #[serde(default)]
    min_goods: u64,
    expires_at: Option<u64>,
}

/// Lets a request in, or says which field is wrong.
///
/// # Errors
/// The problem.
pub fn admit(_host: &mut impl Host, request: &Request) -> Result<Accepted, Problem> {
    let ("PUT", ["coupons", _]) = (request.method.as_str(), request.segments().as_slice()) else {
        return Err(Problem::no_such_route(request));
    };
    let coupon_id = id_param(request, "coupon_id")?;
    let Body {
        user_id,
        amount,
        min_goods,
        expires_at,
    } = request.json()?;
    check_id(&user_id, "user_id")?;
    let sane = (1..=AMOUNT_MAX).contains(&amount);
    Problem::unless(sane, "amount", "a coupon is worth 1 to 10000000000 cents")?;
    let put = PutCoupon {
        coupon_id: coupon_id.to_owned(),
        user_id,
        amount,
        min_goods,
        expires_at,
    };
    let answer = serde_json::json!({ "coupon_id": coupon_id });
    Accepted::json(coupon_id, &put, &answer)
}
