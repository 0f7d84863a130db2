//! x
use wasmill_plugin_kit::generated::imports::wasmill::plugin::types::{Message, Failure};
struct X;
impl wasmill_plugin_kit::generated::step::exports::wasmill::plugin::handler::Guest for X {
 fn handle(_m: Message) -> Result<(), Failure> { Ok(()) }
}
wasmill_plugin_kit::generated::step::export_step!(X);
