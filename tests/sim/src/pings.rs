//! Messages with ids that are soon forgotten, and what is promised of them.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use wasmill_engine::{Incoming, ProducerId};
use wasmill_model::{Millis, When};
/// How long an id is remembered.
const WINDOW: Duration = Duration::from_millis(500);
/// How far the clocks of a world may be apart.
const MARGIN: Duration = Duration::from_millis(50);

/// The ids that are taken.
#[derive(Debug, Default)]
pub(crate) struct Pings {
    /// When each was taken, and the barrier at which that is durable.
    taken: HashMap<u8, (Millis, u64)>,
}

/// A ping; nobody listens.
pub(crate) fn incoming(id: u8) -> Incoming {
    Incoming {
        topic: "unheard".into(),
        key: Some(format!("ping-{id}").into()),
        tag: None,
        headers: Vec::new(),
        body: Bytes::new(),
        producer_id: Some(ProducerId {
            id: id.to_string(),
            window: WINDOW,
            claimed: None,
        }),
        deliver: When::Now,
        half: None,
        watch: false,
    }
}

impl Pings {
    /// An id was sent, and known or not.
    pub(crate) fn sent(&mut self, id: u8, now: Millis, barrier: u64, known: bool) {
        if let Some((at, _)) = self.taken.get(&id) {
            let age = now.since(*at);
            assert!(
                known || age + MARGIN >= WINDOW,
                "ping {id} was sent {age:?} ago and is taken again"
            );
            assert!(
                !known || age <= WINDOW + MARGIN,
                "ping {id} was sent {age:?} ago and is remembered"
            );
        }
        if !known {
            self.taken.insert(id, (now, barrier));
        }
    }

    /// The host died when so many blocks were durable: of what was not, nothing is known.
    pub(crate) fn crash(&mut self, durable: u64) {
        self.taken.retain(|_, (_, barrier)| *barrier <= durable);
    }
}
