//! What wit-bindgen makes of the contract, and of the one WASI interface that std does not offer;
//! `generate` makes it anew. It is here once, for all plugins: what they export is a macro away, and
//! they are compiled without a generator.
//!
//! Each role has a world of its own, so that a plugin may have any of them together. A component's
//! world is the union of those that its code was linked with.

#![expect(
    unsafe_code,
    unreachable_pub,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    reason = "made by a generator"
)]
#![cfg_attr(
    not(test),
    expect(
        clippy::panic,
        clippy::unwrap_used,
        reason = "of what the host itself made wrong"
    )
)]

mod imports {
    include!("bindings/imports.in");
}

pub use imports::wasmill;

/// Randomness: one interface, rather than a crate with all of WASI.
#[cfg(target_arch = "wasm32")]
pub mod random {
    include!("bindings/random.in");
}

/// Handling messages.
pub mod handler {
    include!("bindings/handler.in");
    pub use exports::wasmill::plugin::handler::*;
}

/// Letting requests in.
pub mod gate {
    include!("bindings/gate.in");
    pub use exports::wasmill::plugin::gate::*;
}

/// Answering requests.
pub mod query {
    include!("bindings/query.in");
    pub use exports::wasmill::plugin::query::*;
}

/// Deciding about half messages.
pub mod checker {
    include!("bindings/checker.in");
    pub use exports::wasmill::plugin::checker::*;
}

/// Bringing states up to date.
pub mod migration {
    include!("bindings/migration.in");
    pub use exports::wasmill::plugin::migration::*;
}
