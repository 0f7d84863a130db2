//! What wit-bindgen makes of the contract in `wit/`, and of the one WASI interface that std does
//! not offer. It is made here once, for all plugins: what they export is a macro away.
//!
//! Each role has a world of its own, so that a plugin may have any of them together. A component's
//! world is the union of those that its code was linked with.

wit_bindgen::generate!({
    path: "wit",
    world: "imports",
    generate_all,
    additional_derives: [PartialEq, Eq],
});

/// A role: its interface's types and trait, and the macro that exports an implementation.
macro_rules! role {
    ($role:ident, $export:tt, $world:tt) => {
        pub mod $role {
            wit_bindgen::generate!({
                path: "wit",
                inline: $world,
                with: { "wasmill:plugin/types@0.1.0": crate::bindings::wasmill::plugin::types },
                additional_derives: [PartialEq, Eq],
                pub_export_macro: true,
                export_macro_name: $export,
            });
            pub use exports::wasmill::plugin::$role::*;
        }
    };
}

role!(
    handler,
    "export_handler",
    "package wasmill:sdk; world handler { export wasmill:plugin/handler@0.1.0; }"
);
role!(
    gate,
    "export_gate",
    "package wasmill:sdk; world gate { export wasmill:plugin/gate@0.1.0; }"
);
role!(
    query,
    "export_query",
    "package wasmill:sdk; world query { export wasmill:plugin/query@0.1.0; }"
);
role!(
    checker,
    "export_checker",
    "package wasmill:sdk; world checker { export wasmill:plugin/checker@0.1.0; }"
);

/// Randomness: one stable interface, rather than a crate with all of WASI. It is whole, since that
/// of the C library is merged with it.
pub mod random {
    wit_bindgen::generate!({
        inline: "
            package wasi:random@0.2.0;
            interface random {
                get-random-bytes: func(len: u64) -> list<u8>;
                get-random-u64: func() -> u64;
            }
            world imports { import random; }
        ",
        generate_all,
    });
}
