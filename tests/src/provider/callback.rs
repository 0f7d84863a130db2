//! Callbacks: signed over the raw body, repeated until they are answered with 200.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use hmac::{Hmac, Mac};
use hyper::{Method, StatusCode, Uri};
use serde_json::json;
use sha2::Sha256;
use tokio::task::JoinSet;

use super::Desk;
use super::ledger::{Charge, Outcome};
use crate::client::Client;

/// The first pause after a callback that was not answered with 200; it doubles up to the last.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
const PAUSE_LAST: Duration = Duration::from_secs(2);

/// The value of `X-Signature` for `body`.
#[must_use]
pub fn signature(secret: &str, body: &[u8]) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

/// Brings callbacks to the shop, each in a task of its own; all end with the courier.
#[derive(Debug)]
pub(super) struct Courier {
    secret: String,
    tasks: Mutex<JoinSet<()>>,
    /// Connections are shared by all callbacks to one address.
    client: Mutex<Option<Client>>,
}

impl Courier {
    pub(super) fn new(secret: &str) -> Self {
        Self {
            secret: secret.to_owned(),
            tasks: Mutex::default(),
            client: Mutex::default(),
        }
    }

    /// Calls `url` back when the charge is settled, as often as its fate says.
    pub(super) fn deliver(&self, desk: &Arc<Desk>, charge: Charge, url: String) {
        if charge.fate.callbacks == 0 {
            return;
        }
        // Weak: the desk owns the courier, whose tasks must not keep the desk.
        let desk = Arc::downgrade(desk);
        let task = async move {
            tokio::time::sleep(charge.settles_in()).await;
            for _ in 0..charge.fate.callbacks {
                let mut pause = PAUSE_FIRST;
                loop {
                    let Some(desk) = desk.upgrade() else { return };
                    if matches!(desk.courier.call(&url, &charge).await, Ok(StatusCode::OK)) {
                        desk.ledger.acknowledge(&charge.payment_id);
                        break;
                    }
                    drop(desk);
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSE_LAST);
                }
            }
        };
        let mut tasks = self.tasks.lock().expect("no panic while held");
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }

    async fn call(&self, url: &str, charge: &Charge) -> Result<StatusCode> {
        let uri: Uri = url
            .parse()
            .with_context(|| format!("callback_url `{url}` is no URL"))?;
        let address = uri
            .authority()
            .with_context(|| format!("`{url}` names no host"))?;
        let client = self.client_of(address.as_str().parse()?);
        let state = if charge.fate.succeeds {
            Outcome::Succeeded
        } else {
            Outcome::Failed
        };
        let body = json!({
            "payment_id": charge.payment_id,
            "charge_id": charge.charge_id,
            "state": state,
            "amount": charge.amount,
        });
        let body = Bytes::from(body.to_string());
        let signed = signature(&self.secret, &body);
        let headers = [("x-signature", signed.as_str())];
        let reply = client
            .request(Method::POST, uri.path(), &headers, body)
            .await?;
        Ok(reply.status)
    }

    fn client_of(&self, address: SocketAddr) -> Client {
        let mut client = self.client.lock().expect("no panic while held");
        match &*client {
            Some(client) if client.address() == address => client.clone(),
            _ => client.insert(Client::new(address)).clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_what_the_protocol_says() {
        // RFC 4231, test case 2.
        let expected = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(signature("Jefe", b"what do ya want for nothing?"), expected);
    }
}
