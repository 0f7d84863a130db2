//! Real components play scenarios: what they do is told, what differs is found, and so is what a
//! crash does to those that are not right.

mod crashes;
mod http;
mod scenarios;
mod states;
mod support;
