//! The payment provider: a small third party over real HTTP that signs, repeats, delays,
//! reorders and duplicates its callbacks, and fails on purpose, all decided by a seed.
//!
//! `POST /charges`, `GET /charges/{payment_id}`, `POST /refunds`; and `POST /sms`, the webhook
//! that takes the shop's text messages.

mod callback;
mod charges;
mod ledger;
mod policy;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use callback::signature;
pub use ledger::{Charge, Ledger, Outcome};
pub use policy::{Fate, Hiccup, Policy};

use callback::Courier;

/// A running provider; dropping it ends it.
#[derive(Debug)]
pub struct Provider {
    address: SocketAddr,
    desk: Arc<Desk>,
    server: JoinHandle<()>,
}

/// What the request handlers share.
#[derive(Debug)]
struct Desk {
    policy: Policy,
    ledger: Ledger,
    courier: Courier,
    text_messages: AtomicU64,
}

impl Provider {
    /// Starts a provider on a free loopback port.
    ///
    /// # Errors
    /// If no port can be listened on.
    pub async fn start(policy: Policy, secret: &str) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let desk = Arc::new(Desk {
            policy,
            ledger: Ledger::default(),
            courier: Courier::new(secret),
            text_messages: AtomicU64::new(0),
        });
        let router = Router::new()
            .route("/charges", post(charges::create))
            .route("/charges/{payment_id}", get(charges::show))
            .route("/refunds", post(charges::refund))
            .route("/sms", post(text_message))
            .with_state(Arc::clone(&desk));
        let server = tokio::spawn(async move {
            // Serving ends only with the task: a listener on loopback has no error to tell.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self {
            address,
            desk,
            server,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The provider's own books.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.desk.ledger
    }

    /// Text messages taken.
    #[must_use]
    pub fn text_messages(&self) -> u64 {
        self.desk.text_messages.load(Ordering::Relaxed)
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn text_message(State(desk): State<Arc<Desk>>) -> StatusCode {
    desk.text_messages.fetch_add(1, Ordering::Relaxed);
    StatusCode::OK
}
