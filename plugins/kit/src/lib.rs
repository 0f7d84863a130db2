//! What the shop's plugins agree on: messages, topics, and the form of ids. No business rule lives
//! here.

mod id;
pub mod messages;

pub use id::{check_id, id_param};
