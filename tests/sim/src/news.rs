//! News: messages that a plugin gets once for the platform, and once on every host.
//!
//! What its handlers keep on the host is apart from what they keep for the platform.

use rand::Rng;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};
use wasmill_engine::Incoming;
use wasmill_model::effects::Failure;
use wasmill_model::routes::Subscription;
use wasmill_model::{Name, reserved};
use wasmill_port::Call;

use crate::guest::{body, once};
use crate::host::{Dead, Host};
use crate::ledger::{Outbox, Parcel};
use crate::workload::{Draft, Workload, incoming, subscription};

/// The plugin that gets the news.
pub(crate) const PLUGIN: &str = "gazette";
/// Its subscriptions: for the platform, and on each host.
const SUBSCRIPTIONS: [(&str, bool); 2] = [("wire", false), ("poster", true)];

/// Something new.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Item {
    id: u64,
    key: String,
}

/// The news of a world.
#[derive(Debug, Default)]
pub(crate) struct News {
    next_id: u64,
    outbox: Outbox<Item>,
}

impl Parcel for Item {
    fn incoming(&self) -> Incoming {
        let body = serde_json::to_vec(self).expect("an item").into();
        incoming("news", &self.key, self.id, body)
    }
}

/// Takes note of an item.
pub(crate) fn handle(call: &mut Call) -> Result<(), Failure> {
    let it: Item = body(call);
    let own = call.delivery().subscription.to_string();
    if let Some(kept) = call.get("kept by")? {
        assert_eq!(kept, own, "who keeps the state of {}", it.key);
    }
    call.put("kept by", Some(own.into()))?;
    once(call, &format!("read/{}", it.id))
}

impl Workload for News {
    fn routes(&self, draft: &mut Draft) {
        draft.declare(&["news"]);
        for (name, broadcast) in SUBSCRIPTIONS {
            draft.subscriptions.push(Subscription {
                broadcast,
                ..subscription(name, "news", PLUGIN)
            });
        }
    }

    fn step(&mut self, host: &mut Host, rng: &mut StdRng) -> Result<(), Dead> {
        if rng.random() {
            return self.outbox.send(host, 5, |_, _| {});
        }
        self.next_id += 1;
        self.outbox.push(Item {
            id: self.next_id,
            key: format!("news-{}", rng.random_range(0..3)),
        });
        Ok(())
    }

    fn durable(&mut self, blocks: u64) {
        self.outbox.durable(blocks);
    }

    fn restarted(&mut self, _host: &mut Host, _blocks: u64) -> Result<(), Dead> {
        drop(self.outbox.restarted());
        Ok(())
    }

    fn settle(&mut self, host: &mut Host) -> Result<bool, Dead> {
        self.outbox.send(host, 100, |_, _| {})?;
        Ok(self.outbox.is_done())
    }

    fn check(&mut self, host: &Host) -> Result<(), Dead> {
        for Item { id, key } in self.outbox.taken() {
            for (name, broadcast) in SUBSCRIPTIONS {
                let owner = reserved::owner(&Name::from(PLUGIN), broadcast);
                let read = host.state(&owner, key, &format!("read/{id}"))?;
                assert!(read.is_some(), "item {id} did not come to {name}");
            }
        }
        Ok(())
    }

    fn taken(&self) -> usize {
        self.outbox.taken().len()
    }
}
