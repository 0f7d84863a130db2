//! The bank: accounts that send money to each other, with timers and half messages.
//!
//! Money is neither made nor lost, each transfer and credit happens once and in its order, and
//! timers ring once unless they were cancelled.

mod guest;
mod halves;
mod promises;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use rand::Rng;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};
use wasmill_engine::Incoming;
use wasmill_model::half::CheckPolicy;
use wasmill_model::routes::{DedupPolicy, KeySource, Order, Subscription, TopicPattern};

use crate::host::{Dead, Host, LookedUp};
use crate::ledger::{Outbox, Parcel};
use crate::workload::{Draft, Workload, incoming, subscription};

pub(crate) use guest::handle;
pub(crate) use halves::verdict;

use halves::Receipt;

/// What an account holds before anything happened.
const INITIAL: i64 = 1_000;
/// The plugin that holds the accounts.
pub(crate) const PLUGIN: &str = "bank";

/// An order to move money, keyed by the sender's account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Transfer {
    /// Unique.
    id: u64,
    /// Consecutive for the account's transfers, in the order in which they are accepted.
    turn: u64,
    from: String,
    to: String,
    amount: i64,
    /// The handler rejects it: it must become a dead letter and move nothing.
    poison: bool,
    timer: Option<TimerOrder>,
    /// The half message that its handler prepares.
    receipt: Option<Receipt>,
    /// What makes it large, so that few of them fill a page of a queue.
    padding: String,
}

/// What a transfer does with a timer of its account.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum TimerOrder {
    Set { name: String, delay: u64 },
    Cancel { name: String },
    Move { name: String, delay: u64 },
}

/// The accounts of a world, and their clients.
pub(crate) struct Bank {
    accounts: Vec<String>,
    /// How many transfers each account has sent.
    turns: Vec<u64>,
    next_id: u64,
    padding: usize,
    outbox: Outbox<Transfer>,
    /// Looked up in this life of the host, after they were sent once.
    repeats: VecDeque<(LookedUp, u64)>,
}

impl Parcel for Transfer {
    fn incoming(&self) -> Incoming {
        let body = serde_json::to_vec(self).expect("a transfer").into();
        incoming("transfer", &self.from, self.id, body)
    }
}

impl Bank {
    /// A bank of a few accounts.
    pub(crate) fn new(rng: &mut StdRng) -> Self {
        let accounts: Vec<_> = (0..rng.random_range(2..9))
            .map(|n| format!("account-{n}"))
            .collect();
        Self {
            turns: vec![0; accounts.len()],
            accounts,
            next_id: 0,
            padding: if rng.random_ratio(1, 3) { 8_000 } else { 0 },
            outbox: Outbox::default(),
            repeats: VecDeque::new(),
        }
    }

    /// A client thinks of a transfer. The first ones of a world pile up on one account.
    fn think(&mut self, rng: &mut StdRng) {
        let from = match self.next_id {
            0..40 => 0,
            _ => rng.random_range(0..self.accounts.len()),
        };
        let count = if rng.random_ratio(1, 20) { 120 } else { 1 };
        for _ in 0..count {
            let transfer = self.transfer(from, rng);
            self.outbox.push(transfer);
        }
    }

    fn transfer(&mut self, from: usize, rng: &mut StdRng) -> Transfer {
        let name = format!("t{}", rng.random_range(0..3));
        let delay = rng.random_range(0..500);
        let timer = match rng.random_range(0..10) {
            0..3 => Some(TimerOrder::Set { name, delay }),
            3 => Some(TimerOrder::Cancel { name }),
            4 => Some(TimerOrder::Move { name, delay }),
            _ => None,
        };
        let receipt = match rng.random_range(0..12) {
            0 => Some(Receipt::Commit),
            1 => Some(Receipt::RollBack),
            2 => Some(Receipt::Leave),
            _ => None,
        };
        self.next_id += 1;
        self.turns[from] += 1;
        Transfer {
            id: self.next_id,
            turn: self.turns[from],
            from: self.accounts[from].clone(),
            to: self.accounts[rng.random_range(0..self.accounts.len())].clone(),
            amount: rng.random_range(1..100),
            poison: rng.random_ratio(1, 25),
            timer,
            receipt,
            padding: "x".repeat(self.padding),
        }
    }

    /// Sends what waits, in order, one by one or in a batch; sometimes it will come again.
    fn send(&mut self, host: &mut Host, rng: &mut StdRng) -> Result<(), Dead> {
        let count = rng.random_range(1..60);
        if rng.random_ratio(1, 3) {
            return self.outbox.send_batch(host, count);
        }
        let mut repeated = Vec::new();
        self.outbox.send(host, count, |transfer, _| {
            if rng.random_ratio(1, 5) {
                repeated.push((transfer.incoming(), transfer.id));
            }
        })?;
        for (again, id) in repeated {
            self.repeats.push_back((host.look_up(again)?, id));
        }
        Ok(())
    }

    /// A message that was sent already comes again, some time after its id was looked up.
    fn repeat(&mut self, host: &mut Host) -> Result<(), Dead> {
        if let Some((again, id)) = self.repeats.pop_front() {
            let (accepted, _) = host.accept(again)?;
            assert!(accepted.duplicate, "transfer {id} was taken twice");
        }
        Ok(())
    }
}

impl Workload for Bank {
    fn routes(&self, draft: &mut Draft) {
        draft.declare(&["transfer", "credit", "ring", "unheard", halves::TOPIC]);
        // Some transfers credit twice, and are to count once.
        let dedup = Some(DedupPolicy {
            id: KeySource::Pointer("/id".to_owned()),
            window: Duration::from_secs(3_600),
        });
        draft.subscriptions.extend([
            subscription("transfer", "transfer", PLUGIN),
            subscription("ring", "ring", PLUGIN),
            subscription("receipt", halves::TOPIC, PLUGIN),
            Subscription {
                key: Some(KeySource::Pointer("/to".to_owned())),
                dedup: dedup.clone(),
                ..subscription("credit", "credit", PLUGIN)
            },
            Subscription {
                order: Order::Global,
                dedup,
                ..subscription("tally", "credit", PLUGIN)
            },
            Subscription {
                order: Order::None,
                ..subscription("stray", "credit", PLUGIN)
            },
        ]);
        let policy = CheckPolicy {
            first: Duration::from_millis(60),
            interval: Duration::from_millis(80),
            count_max: u32::MAX,
            ..CheckPolicy::default()
        };
        let receipts = TopicPattern::new(halves::TOPIC);
        draft.checks.push((receipts, Arc::new(policy)));
    }

    fn step(&mut self, host: &mut Host, rng: &mut StdRng) -> Result<(), Dead> {
        match rng.random_range(0..34) {
            0..18 => self.think(rng),
            18..28 => self.send(host, rng)?,
            _ => self.repeat(host)?,
        }
        Ok(())
    }

    fn durable(&mut self, blocks: u64) {
        self.outbox.durable(blocks);
    }

    /// The clients repeat what was not acknowledged, in order.
    fn restarted(&mut self, _host: &mut Host, _blocks: u64) -> Result<(), Dead> {
        self.repeats.clear();
        drop(self.outbox.restarted());
        Ok(())
    }

    fn settle(&mut self, host: &mut Host) -> Result<bool, Dead> {
        self.outbox.send(host, 60, |_, _| {})?;
        Ok(self.outbox.is_done())
    }

    fn check(&mut self, host: &Host) -> Result<(), Dead> {
        promises::check(host, self.outbox.taken(), &self.accounts)
    }

    fn taken(&self) -> usize {
        self.outbox.taken().len()
    }
}
