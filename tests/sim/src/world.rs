//! A world: workloads, a host that lives and dies, and time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use wasmill_model::Routes;
use wasmill_store::{Fault, Memory};

use crate::clock::SimClock;
use crate::host::{Dead, Host, PARTITIONS};
use crate::sabotage::{Bug, Sabotage};
use crate::workload::{self, Draft, Workload};

/// Steps of a world before it settles.
const STEPS: usize = 900;
/// Steps in which a world must settle.
const SETTLE_STEPS_MAX: usize = 200_000;

/// Rounds of checkpoints in which all claims must be swept whose time is over.
const ROUNDS_MAX: usize = 20;

/// What a world went through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Crashes survived.
    pub crashes: u64,
    /// Messages acknowledged, and runs of schedules.
    pub messages: u64,
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
        world.settle().expect("no faults while settling");
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
    /// What the next host starts with.
    routes: Arc<Routes>,
    host: Option<Host>,
    workloads: Vec<Box<dyn Workload>>,
    slow_log: bool,
    report: Report,
    sabotage: Sabotage,
}

impl World {
    fn new(seed: u64, sabotage: Sabotage) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let workloads = workload::draw(&mut rng);
        Self {
            store: Memory::new(rng.random()),
            clock: Arc::new(SimClock::new()),
            routes: Draft::of(&workloads, false).build(),
            host: None,
            workloads,
            slow_log: rng.random_ratio(1, 3),
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
    fn settle(&mut self) -> Result<(), Dead> {
        self.crash();
        self.routes = Draft::of(&self.workloads, true).build();
        self.restart(false);
        for plugin in self.host().plugins() {
            self.host().set_serving(&plugin, true);
        }
        for step in 0..SETTLE_STEPS_MAX {
            if self.is_settled()? {
                break;
            }
            assert!(step + 1 < SETTLE_STEPS_MAX, "the world does not settle");
            if !self.work()? {
                self.clock.advance(Duration::from_millis(20));
            }
        }
        let host = self.host.as_mut().expect("started");
        // The round under way, then a whole one, then as many as the sweeps need.
        for round in 0..ROUNDS_MAX {
            host.begin_checkpoint(PARTITIONS);
            while host.work_on_view(&mut self.rng)? {}
            if round > 0 && host.overdue_claims()? == 0 {
                break;
            }
        }
        assert_eq!(host.overdue_claims()?, 0, "claims that are over and stay");
        for workload in &mut self.workloads {
            workload.check(host)?;
            self.report.messages += workload.taken() as u64;
        }
        Ok(())
    }

    fn is_settled(&mut self) -> Result<bool, Dead> {
        let host = self.host.as_mut().expect("started");
        let mut is_settled = true;
        for workload in &mut self.workloads {
            is_settled &= workload.settle(host)?;
        }
        Ok(is_settled && host.is_settled())
    }

    fn step(&mut self) -> Result<(), Dead> {
        let host = self.host.as_mut().expect("alive");
        match self.rng.random_range(0..100) {
            0..30 => {
                let index = self.rng.random_range(0..self.workloads.len());
                self.workloads[index].step(host, &mut self.rng)?;
            }
            30..33 => {
                let span = Duration::from_millis(self.rng.random_range(0..400));
                match self.rng.random_ratio(1, 12) {
                    true => self.clock.jump_back(span),
                    false => self.clock.advance(span),
                }
            }
            33..35 => {
                let plugins = host.plugins();
                let index = self.rng.random_range(0..plugins.len().max(1));
                let serving = self.rng.random_ratio(3, 4);
                if let Some(plugin) = plugins.iter().nth(index) {
                    host.set_serving(plugin, serving);
                }
            }
            35..43 => {
                let partitions = self.rng.random_range(1..=PARTITIONS);
                host.begin_checkpoint(partitions);
            }
            _ => drop(self.work()?),
        }
        Ok(())
    }

    /// One piece of the host's work, whichever; false if there is none.
    fn work(&mut self) -> Result<bool, Dead> {
        let host = self.host.as_mut().expect("alive");
        if let Some((now, barriers)) = host.tick() {
            let workloads = self.workloads.iter_mut();
            workloads.for_each(|it| it.ticked(now, &barriers));
        }
        let first = self.rng.random_range(0..6);
        for offset in 0..6 {
            let worked = match (first + offset) % 6 {
                0 => host.run_on(&mut self.rng),
                1 => host.seal(),
                // A slow disk: much comes in before a block is durable.
                2 if self.slow_log && self.rng.random_ratio(9, 10) => false,
                2 => host.append()?,
                3 => host.work_on_view(&mut self.rng)?,
                4 => host.answer_a_check(&mut self.rng),
                _ => host.move_on(&mut self.rng)?,
            };
            if worked {
                for it in host.take_passed_over() {
                    for workload in &mut self.workloads {
                        workload.passed_over(host, &it)?;
                    }
                }
                let durable = host.durable();
                self.workloads.iter_mut().for_each(|it| it.durable(durable));
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The host dies, and with it what was not durable.
    fn crash(&mut self) {
        if let Some(host) = self.host.take() {
            self.report.crashes += 1;
            self.routes = host.routes_file().clone();
        }
        self.store = self.store.crash(self.rng.random());
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
        if self.start().is_err() {
            assert!(faults, "a host must start on a store that works");
            self.crash();
            self.restart(false);
        }
    }

    fn start(&mut self) -> Result<(), Dead> {
        self.clock.forget();
        let (clock, routes) = (self.clock.clone(), &self.routes);
        let host = Host::start(&self.store, clock, routes, self.sabotage)?;
        let host = self.host.insert(host);
        let durable = host.durable();
        for workload in &mut self.workloads {
            workload.restarted(host, durable)?;
        }
        Ok(())
    }

    fn host(&mut self) -> &mut Host {
        self.host.as_mut().expect("alive")
    }
}
