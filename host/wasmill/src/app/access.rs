//! Who may use the data API.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, anyhow};
use wasmill_api::{Access, Token};

use super::Failure;

/// Those who have the token; without one, those on this machine.
pub(super) fn of(address: SocketAddr, token: Option<&Path>) -> Result<Access, Failure> {
    let Some(path) = token else {
        return match address.ip().is_loopback() {
            true => Ok(Access::Local),
            false => Err(Failure::config(anyhow!(
                "the data API on {address} can be reached by others: give it a token with \
                 --api-token-file, or an address of this machine with --api"
            ))),
        };
    };
    let read = fs::read_to_string(path);
    let text = read.with_context(|| format!("cannot read the token in {}", path.display()));
    let text = text.map_err(Failure::config)?;
    let token = Token::new(text.trim());
    let token = token.map_err(|what| anyhow!("the token in {} is none: {what}", path.display()));
    Ok(Access::Bearer(token.map_err(Failure::config)?))
}
