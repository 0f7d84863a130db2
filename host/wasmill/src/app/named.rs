//! The plugins that routes name.

use std::collections::BTreeSet;

use wasmill_model::{Name, Routes};

/// Every plugin that a subscription, a gate or a query needs.
pub(crate) fn plugins(routes: &Routes) -> BTreeSet<Name> {
    let subscriptions = routes.subscriptions().map(|sub| &sub.plugin);
    let gates = routes
        .ingress
        .iter()
        .filter_map(|route| route.gate.as_ref());
    let queries = routes.queries.iter().map(|route| &route.plugin);
    subscriptions.chain(gates).chain(queries).cloned().collect()
}
