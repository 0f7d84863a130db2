//! Ids of orders, SKUs, users: they become keys and names of state.

use wasmill_sdk::{Problem, Request};

/// Longest id.
const ID_BYTES_MAX: usize = 64;

/// Refuses an id that is not of the form that the shop takes.
///
/// # Errors
/// A problem that names `field`.
pub fn check_id(id: &str, field: &str) -> Result<(), Problem> {
    let known = |c: u8| c.is_ascii_alphanumeric() || b"-_.:".contains(&c);
    let valid = (1..=ID_BYTES_MAX).contains(&id.len()) && id.bytes().all(known);
    Problem::unless(
        valid,
        field,
        "an id has 1 to 64 letters, digits or any of `-_.:`",
    )
}

/// A parameter of the route's path that is an id.
///
/// # Errors
/// A problem that names the parameter.
pub fn id_param<'a>(request: &'a Request, name: &str) -> Result<&'a str, Problem> {
    let value = request.param(name)?;
    check_id(value, name)?;
    Ok(value)
}
