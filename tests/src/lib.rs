//! What tests, demo and benchmark share: the shop's HTTP client, the payment provider, the host
//! as a process, the books that must balance, and load.
//!
//! Nothing here links the host: it is spoken to as its users do, over HTTP, files and signals.

pub mod artifacts;
pub mod books;
pub mod client;
pub mod install;
pub mod load;
pub mod metrics;
pub mod patience;
pub mod projects;
pub mod provider;
pub mod scene;
pub mod server;
pub mod shop;
pub mod traffic;

/// The variable that asks for the full size of every process test, as `cargo xtask soak` does.
pub const SOAK: &str = "WASMILL_SOAK";

/// The variable that asks for plugins in every language: with `all`, one whose toolchain is absent
/// fails. `cargo xtask ci` sets it.
pub const LANGUAGES: &str = "WASMILL_LANGUAGES";

/// The size of something in a test: quick usually, full under [`SOAK`].
#[must_use]
pub fn sized<T>(quick: T, full: T) -> T {
    if std::env::var_os(SOAK).is_some() {
        full
    } else {
        quick
    }
}
