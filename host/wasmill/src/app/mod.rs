//! The composition: the only place that sees store, plugins, services and HTTP together.

mod absent;
mod access;
mod check;
mod data_api;
mod descriptors;
mod failure;
mod log;
mod named;
mod plugin_file;
mod refusal;
mod routes;
mod secrets;
mod serve;
mod signals;
mod stdout;

pub(crate) use check::check_plugins;
pub(crate) use data_api::{DataApi, encoded, query, understood};
pub(crate) use failure::Failure;
pub(crate) use log::{LogFormat, start as start_log};
pub(crate) use plugin_file::{component as read_component, signature as read_signature};
pub(crate) use refusal::Refusal;
pub(crate) use routes::{read as read_routes, read_with as read_routes_with};
pub(crate) use serve::{Options, openapi, serve};
pub(crate) use stdout::tell;
