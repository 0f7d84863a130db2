//! The few traits behind which the outside world stands: store, clock and guests.
//!
//! The engine's services are written against these; `store` and `wasm` implement them, and tests
//! put twins of their own in their place.

pub mod account;
pub mod call;
pub mod candidate;
pub mod check_back;
pub mod chosen;
pub mod clock;
pub mod compare;
pub mod guest;
pub mod plugins;
pub mod run;
pub mod scope;
pub mod store;

pub use account::{Account, Accounts};
pub use call::{Call, CallError, HalfState, Preparer};
pub use check_back::CheckBack;
pub use chosen::{Choose, Chosen};
pub use clock::Clock;
pub use guest::Guests;
pub use plugins::Plugins;
pub use run::{Delivery, Run, RunContext};
pub use scope::{ScopeState, StateReader};
