//! The seven plugins by name.

use wasmill_sdk::{Accepted, Failure, Half, Message, Problem, Request, Verdict};
use {
    wasmill_plugin_account as account, wasmill_plugin_coupon as coupon,
    wasmill_plugin_notify as notify, wasmill_plugin_order as order,
    wasmill_plugin_payment as payment, wasmill_plugin_points as points,
    wasmill_plugin_stock as stock,
};

use crate::bus::Call;

/// Calls a plugin's handler.
pub(crate) fn handle(plugin: &str, call: &mut Call<'_>, message: &Message) -> Result<(), Failure> {
    match plugin {
        "order" => order::handle(call, message),
        "stock" => stock::handle(call, message),
        "coupon" => coupon::handle(call, message),
        "account" => account::handle(call, message),
        "points" => points::handle(call, message),
        "payment" => payment::handle(call, message),
        "notify" => notify::handle(call, message),
        other => panic!("the routes name a plugin `{other}` that the shop has not"),
    }
}

/// Calls a plugin's door.
pub(crate) fn admit(
    plugin: &str,
    call: &mut Call<'_>,
    request: &Request,
) -> Result<Accepted, Problem> {
    match plugin {
        "order" => order::admit(call, request),
        "stock" => stock::admit(call, request),
        "coupon" => coupon::admit(call, request),
        "account" => account::admit(call, request),
        "payment" => payment::admit(call, request),
        other => panic!("`{other}` has no door"),
    }
}

/// Asks a plugin's checker.
pub(crate) fn check(plugin: &str, call: &mut Call<'_>, half: &Half) -> Verdict {
    match plugin {
        "payment" => payment::check(call, half),
        other => panic!("`{other}` has no checker"),
    }
}
