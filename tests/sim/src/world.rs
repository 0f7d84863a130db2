//! A world: clients, a host that lives and dies, and time.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use wasmill_model::Routes;
use wasmill_port::Clock;
use wasmill_store::{Fault, Memory};

use crate::bank::{self, Receipt, TimerOrder, Transfer};
use crate::clock::SimClock;
use crate::host::{Dead, Host, LookedUp, PARTITIONS};
use crate::pings::{self, Pings};
use crate::promises::Promises;
use crate::sabotage::{Bug, Sabotage};

/// Steps of a world before it settles.
const STEPS: usize = 900;
/// Steps in which a world must settle.
const SETTLE_STEPS_MAX: usize = 200_000;

/// What a world went through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Crashes survived.
    pub crashes: u64,
    /// Transfers acknowledged.
    pub transfers: u64,
}

/// Runs the world of `seed`.
///
/// # Errors
/// What was found wrong, with the seed that repeats it.
pub fn simulate(seed: u64) -> Result<Report, String> {
    simulate_with(seed, None)
}

/// Runs the world of `seed` with a bug planted in its host.
///
/// # Errors
/// As [`simulate`].
pub fn simulate_with(seed: u64, bug: Option<Bug>) -> Result<Report, String> {
    let run = AssertUnwindSafe(|| {
        let mut world = World::new(seed, Sabotage(bug));
        world.live();
        world.settle();
        world.report
    });
    catch_unwind(run).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        format!("seed {seed}: {}", text.unwrap_or_default())
    })
}

struct World {
    rng: StdRng,
    store: Memory,
    clock: Arc<SimClock>,
    routes: Arc<Routes>,
    host: Option<Host>,
    accounts: Vec<String>,
    /// Transfers not acknowledged yet, in the order in which each account's client sends them.
    outbox: VecDeque<Transfer>,
    /// Sent in this life of the host, and the barrier at which they are acknowledged.
    unacknowledged: VecDeque<(u64, Transfer)>,
    /// Looked up in this life of the host, after they were sent once.
    repeats: VecDeque<(LookedUp, u64)>,
    pings: Pings,
    promises: Promises,
    next_id: u64,
    turns: Vec<u64>,
    padding: usize,
    slow_log: bool,
    report: Report,
    sabotage: Sabotage,
}

impl World {
    fn new(seed: u64, sabotage: Sabotage) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let accounts: Vec<_> = (0..rng.random_range(2..9))
            .map(|n| format!("account-{n}"))
            .collect();
        Self {
            store: Memory::new(rng.random()),
            clock: Arc::new(SimClock::new()),
            routes: Arc::new(bank::routes()),
            host: None,
            turns: vec![0; accounts.len()],
            accounts,
            outbox: VecDeque::new(),
            unacknowledged: VecDeque::new(),
            repeats: VecDeque::new(),
            pings: Pings::default(),
            promises: Promises::default(),
            next_id: 0,
            slow_log: rng.random_ratio(1, 3),
            padding: if rng.random_ratio(1, 3) { 8_000 } else { 0 },
            report: Report::default(),
            sabotage,
            rng,
        }
    }

    /// Steps with faults.
    fn live(&mut self) {
        for _ in 0..STEPS {
            if self.host.is_none() {
                self.restart(true);
            }
            if self.step().is_err() || self.rng.random_ratio(1, 40) {
                self.crash();
            }
        }
    }

    /// Steps without faults, until nothing is left to do; then the promises are checked.
    fn settle(&mut self) {
        self.crash();
        self.restart(false);
        for step in 0..SETTLE_STEPS_MAX {
            self.send().expect("no faults while settling");
            let host = self.host.as_mut().expect("started");
            host.set_serving(true);
            if self.outbox.is_empty() && self.unacknowledged.is_empty() && host.is_settled() {
                break;
            }
            assert!(step + 1 < SETTLE_STEPS_MAX, "the world does not settle");
            let worked = self.work().expect("no faults while settling");
            if !worked {
                self.clock.advance(Duration::from_millis(20));
            }
        }
        let host = self.host.as_mut().expect("started");
        // The round under way, then a whole one.
        for _ in 0..2 {
            host.begin_checkpoint(PARTITIONS);
            while host
                .work_on_view(&mut self.rng)
                .expect("no faults while settling")
            {}
        }
        self.promises.check(host, &self.accounts);
        self.report.transfers = self.promises.acknowledged.len() as u64;
    }

    fn step(&mut self) -> Result<(), Dead> {
        match self.rng.random_range(0..100) {
            0..18 => self.order(),
            18..28 => self.send()?,
            28..29 => self.ping()?,
            29..30 => self.repeat()?,
            30..33 => self
                .clock
                .advance(Duration::from_millis(self.rng.random_range(0..400))),
            33..35 => {
                let serving = self.rng.random_ratio(3, 4);
                self.host().set_serving(serving);
            }
            35..43 => {
                let partitions = self.rng.random_range(1..=PARTITIONS);
                self.host().begin_checkpoint(partitions);
            }
            _ => drop(self.work()?),
        }
        Ok(())
    }

    /// One piece of the host's work, whichever; false if there is none.
    fn work(&mut self) -> Result<bool, Dead> {
        let host = self.host.as_mut().expect("alive");
        host.tick();
        let first = self.rng.random_range(0..5);
        for offset in 0..5 {
            let worked = match (first + offset) % 5 {
                0 => host.run_on(&mut self.rng),
                1 => host.seal(),
                4 => host.answer_a_check(&mut self.rng),
                // A slow disk: much comes in before a block is durable.
                2 if self.slow_log && self.rng.random_ratio(9, 10) => false,
                2 => host.append()?,
                _ => host.work_on_view(&mut self.rng)?,
            };
            if worked {
                self.acknowledge();
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A client thinks of a transfer. The first ones of a world pile up on one account.
    fn order(&mut self) {
        let from = match self.next_id {
            0..40 => 0,
            _ => self.rng.random_range(0..self.accounts.len()),
        };
        let count = if self.rng.random_ratio(1, 20) { 120 } else { 1 };
        for _ in 0..count {
            let transfer = self.transfer(from);
            self.outbox.push_back(transfer);
        }
    }

    fn transfer(&mut self, from: usize) -> Transfer {
        let name = format!("t{}", self.rng.random_range(0..3));
        let delay = self.rng.random_range(0..500);
        let timer = match self.rng.random_range(0..10) {
            0..3 => Some(TimerOrder::Set { name, delay }),
            3 => Some(TimerOrder::Cancel { name }),
            4 => Some(TimerOrder::Move { name, delay }),
            _ => None,
        };
        let receipt = match self.rng.random_range(0..12) {
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
            to: self.accounts[self.rng.random_range(0..self.accounts.len())].clone(),
            amount: self.rng.random_range(1..100),
            poison: self.rng.random_ratio(1, 25),
            timer,
            receipt,
            padding: "x".repeat(self.padding),
        }
    }

    /// Sends what waits, in order; sometimes again, later, what was sent already.
    fn send(&mut self) -> Result<(), Dead> {
        for _ in 0..self.rng.random_range(1..60) {
            let Some(transfer) = self.outbox.front().cloned() else {
                break;
            };
            let sent = self.host().look_up(transfer.incoming())?;
            let (_, barrier) = self.host().accept(sent)?;
            self.outbox.pop_front();
            if self.rng.random_ratio(1, 10) {
                let again = self.host().look_up(transfer.incoming())?;
                self.repeats.push_back((again, transfer.id));
            }
            self.unacknowledged.push_back((barrier, transfer));
        }
        Ok(())
    }

    /// A message whose id is soon forgotten.
    fn ping(&mut self) -> Result<(), Dead> {
        let id = self.rng.random_range(0..4);
        let now = self.clock.now();
        let host = self.host.as_mut().expect("alive");
        let sent = host.look_up(pings::incoming(id))?;
        let (accepted, barrier) = host.accept(sent)?;
        self.pings.sent(id, now, barrier, accepted.duplicate);
        Ok(())
    }

    /// A message that was sent already comes again, some time after its id was looked up.
    fn repeat(&mut self) -> Result<(), Dead> {
        if let Some((again, id)) = self.repeats.pop_front() {
            let (accepted, _) = self.host().accept(again)?;
            assert!(accepted.duplicate, "transfer {id} was taken twice");
        }
        Ok(())
    }

    fn acknowledge(&mut self) {
        let durable = self.host().durable();
        while let Some((barrier, transfer)) = self.unacknowledged.pop_front() {
            if barrier > durable {
                return self.unacknowledged.push_front((barrier, transfer));
            }
            self.promises.acknowledged.insert(transfer.id, transfer);
        }
    }

    /// The host dies; clients will repeat what was not acknowledged, in order.
    fn crash(&mut self) {
        if let Some(host) = self.host.take() {
            self.report.crashes += 1;
            self.pings.crash(host.durable());
        }
        self.repeats.clear();
        self.store = self.store.crash(self.rng.random());
        while let Some((_, transfer)) = self.unacknowledged.pop_back() {
            self.outbox.push_front(transfer);
        }
    }

    fn restart(&mut self, faults: bool) {
        if self.rng.random_ratio(1, 8) {
            self.clock.jump_back(Duration::from_millis(300));
        }
        if faults && self.rng.random_ratio(2, 3) {
            let fault = if self.rng.random() {
                Fault::Before
            } else {
                Fault::After
            };
            self.store.fail_at(self.rng.random_range(0..400), fault);
        }
        match Host::start(&self.store, self.clock.clone(), &self.routes, self.sabotage) {
            Ok(host) => self.host = Some(host),
            Err(Dead) => {
                assert!(faults, "a host must start on a store that works");
                self.crash();
                self.restart(false);
            }
        }
    }

    fn host(&mut self) -> &mut Host {
        self.host.as_mut().expect("alive")
    }
}
