//! The macro that makes a plugin of functions.

/// Exports functions of the module that it stands in as a plugin's roles. Which roles a plugin has
/// is its choice:
///
/// | Function | What it does | Signature |
/// |---|---|---|
/// | `handle` | handles messages | `fn(&mut impl Host, &Message) -> Result<(), Failure>` |
/// | `admit` | lets HTTP requests in as messages | `fn(&mut impl Host, &Request) -> Result<Accepted, Problem>` |
/// | `answer` | answers HTTP requests from state | `fn(&mut impl Host, &str, &Request) -> Response` |
/// | `check` | decides about half messages | `fn(&mut impl Host, &Half) -> Verdict` |
/// | `migrate` | brings a key's state up to date from an earlier `state-version` | `fn(&mut impl Host, u32) -> Result<(), Failure>` |
///
/// Where a function needs more of the host, its signature says so: `impl Host + Http`, or
/// [`Files`](crate::Files), or [`Transactional`](crate::Transactional).
///
/// ```
/// use wasmill_sdk::{Failure, Host, Message, Request, Response};
///
/// wasmill_sdk::export!(handle, answer);
///
/// fn handle(host: &mut impl Host, message: &Message) -> Result<(), Failure> {
///     let seen: u64 = host.load("seen")?.unwrap_or(0);
///     host.save("seen", &(seen + 1))
/// }
///
/// fn answer(host: &mut impl Host, _key: &str, _request: &Request) -> Response {
///     Response::of_state(host, "seen", "key", |seen: u64| Response::ok(&seen, true))
/// }
/// ```
///
/// Only what is compiled for WebAssembly is exported. Anywhere else the macro checks the
/// signatures, and leaves the functions to the tests. One crate exports once.
///
/// ```compile_fail
/// wasmill_sdk::export!(serve); // there is no such role
/// ```
#[macro_export]
macro_rules! export {
    ($($role:ident),+ $(,)?) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            struct Plugin;
            $($crate::__export_role!($role Plugin);)+
        };
        #[cfg(not(target_arch = "wasm32"))]
        const _: () = {
            $($crate::__check_role!($role);)+
        };
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __export_role {
    (handle $plugin:ident) => {
        impl $crate::bindings::handler::Guest for $plugin {
            fn handle(message: $crate::Message) -> ::std::result::Result<(), $crate::bindings::wasmill::plugin::types::Failure> {
                let handled = handle(&mut $crate::sandbox::Sandbox, &message);
                handled.map_err(::std::convert::Into::into)
            }
        }
        $crate::bindings::handler::export_handler!($plugin with_types_in $crate::bindings::handler);
    };
    (admit $plugin:ident) => {
        impl $crate::bindings::gate::Guest for $plugin {
            fn admit(
                request: $crate::Request,
            ) -> ::std::result::Result<$crate::Accepted, $crate::Problem> {
                admit(&mut $crate::sandbox::Sandbox, &request)
            }
        }
        $crate::bindings::gate::export_gate!($plugin with_types_in $crate::bindings::gate);
    };
    (answer $plugin:ident) => {
        impl $crate::bindings::query::Guest for $plugin {
            fn answer(key: ::std::string::String, request: $crate::Request) -> $crate::Response {
                answer(&mut $crate::sandbox::Sandbox, &key, &request)
            }
        }
        $crate::bindings::query::export_query!($plugin with_types_in $crate::bindings::query);
    };
    (check $plugin:ident) => {
        impl $crate::bindings::checker::Guest for $plugin {
            fn check(half: $crate::Half) -> $crate::Verdict {
                check(&mut $crate::sandbox::Sandbox, &half)
            }
        }
        $crate::bindings::checker::export_checker!($plugin with_types_in $crate::bindings::checker);
    };
    (migrate $plugin:ident) => {
        impl $crate::bindings::migration::Guest for $plugin {
            fn migrate(from: u32) -> ::std::result::Result<(), $crate::bindings::wasmill::plugin::types::Failure> {
                let migrated = migrate(&mut $crate::sandbox::Sandbox, from);
                migrated.map_err(::std::convert::Into::into)
            }
        }
        $crate::bindings::migration::export_migration!($plugin with_types_in $crate::bindings::migration);
    };
    ($other:ident $plugin:ident) => {
        $crate::__check_role!($other);
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __check_role {
    (handle) => {
        const _: fn(
            &mut $crate::testing::TestHost,
            &$crate::Message,
        ) -> ::std::result::Result<(), $crate::Failure> = handle;
    };
    (admit) => {
        const _: fn(
            &mut $crate::testing::TestHost,
            &$crate::Request,
        ) -> ::std::result::Result<$crate::Accepted, $crate::Problem> = admit;
    };
    (answer) => {
        const _: fn(&mut $crate::testing::TestHost, &str, &$crate::Request) -> $crate::Response =
            answer;
    };
    (check) => {
        const _: fn(&mut $crate::testing::TestHost, &$crate::Half) -> $crate::Verdict = check;
    };
    (migrate) => {
        const _: fn(
            &mut $crate::testing::TestHost,
            u32,
        ) -> ::std::result::Result<(), $crate::Failure> = migrate;
    };
    ($other:ident) => {
        ::std::compile_error!(::std::concat!(
            "a plugin has no role `",
            ::std::stringify!($other),
            "`: export `handle`, `admit`, `answer`, `check` or `migrate`"
        ));
    };
}
