//! The platform as its users have it: `wasmill serve` as a process, spoken to over HTTP. One file
//! for each behaviour. The usual size takes minutes; `cargo xtask soak` runs the full one.

mod absent;
mod body_limit;
mod data_api;
mod dead_events;
mod dead_letters;
mod dedup;
mod exit_codes;
mod filter;
mod flash_sale;
mod fuzz;
mod guests;
mod halted;
mod hostile;
mod kill;
mod messages;
mod payment;
mod plugin_files;
mod poison;
mod positions;
mod quotes;
mod recall;
mod refunds;
mod restart;
mod schedules;
mod secrets;
mod step_down;
mod story;
mod swap;
mod timers;
mod topics;
mod trace_context;
mod transactions;
mod waiting;
mod world;
