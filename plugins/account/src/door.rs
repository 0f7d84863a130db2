//! `POST /users`.

use serde::Deserialize;
use wasmill_plugin_kit::check_id;
use wasmill_plugin_kit::messages::User;
use wasmill_sdk::{Accepted, Host, Problem, Request};

/// Keeps every sum far within 64 bits.
const BALANCE_MAX: u64 = 1_000_000_000_000;
/// Longest name, mail address and phone number.
const TEXT_BYTES_MAX: usize = 200;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    user_id: Option<String>,
    name: String,
    email: String,
    phone: String,
    balance: u64,
}

/// Lets a request in, or says which field is wrong. The same user again is answered the same,
/// and refused by the host if anything else about them differs.
///
/// # Errors
/// The problem.
pub fn admit(host: &mut impl Host, request: &Request) -> Result<Accepted, Problem> {
    let ("POST", ["users"]) = (request.method.as_str(), request.segments().as_slice()) else {
        return Err(Problem::no_such_route(request));
    };
    let Body {
        user_id,
        name,
        email,
        phone,
        balance,
    } = request.json()?;
    let user_id = match user_id {
        Some(user_id) => user_id,
        None => request
            .idempotent_id("user", "")?
            .unwrap_or_else(|| host.random_id()),
    };
    check_id(&user_id, "user_id")?;
    Problem::unless(
        is_line(&name),
        "name",
        "a name is one line of 1 to 200 bytes",
    )?;
    let address = is_line(&email) && email.contains('@') && !email.contains(char::is_whitespace);
    Problem::unless(
        address,
        "email",
        "a mail address has an `@`, no spaces and 200 bytes",
    )?;
    Problem::unless(
        is_line(&phone),
        "phone",
        "a phone number is one line of 1 to 200 bytes",
    )?;
    let sane = balance <= BALANCE_MAX;
    Problem::unless(sane, "balance", "a balance is at most 1000000000000 cents")?;
    let answer = serde_json::json!({ "user_id": user_id });
    let user = User {
        user_id,
        name,
        email,
        phone,
        balance,
    };
    Ok(Accepted::json(&user.user_id, &user, &answer)?.once(user.user_id))
}

/// One line: what stands in a mail's header must not begin another.
fn is_line(text: &str) -> bool {
    (1..=TEXT_BYTES_MAX).contains(&text.len()) && !text.contains(char::is_control)
}
