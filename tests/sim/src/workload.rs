//! What a workload is: clients and operators, a guest, and what they were promised.
//!
//! A world has some of them at once, on one host. Each knows its own messages only.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rand::Rng;
use rand::rngs::StdRng;
use wasmill_engine::{Incoming, ProducerId};
use wasmill_model::half::CheckPolicy;
use wasmill_model::routes::{RetrySchedule, Routes, Schedule, Subscription, Topic, TopicPattern};
use wasmill_model::{Millis, When};

use crate::archive::Archive;
use crate::bank::Bank;
use crate::chimes::Chimes;
use crate::errands::Errands;
use crate::ferries::Ferries;
use crate::host::{Dead, Host, PassedOver};
use crate::jobs::Jobs;
use crate::lines::Lines;
use crate::news::News;
use crate::pings::Pings;
use crate::press::Press;
use crate::tolls::Tolls;
use crate::vouchers::Vouchers;

/// The routes with which a world begins, and settles.
#[derive(Default)]
pub(crate) struct Draft {
    /// Whether the world is to settle: every subscription that there was gets what is left for it.
    pub(crate) is_last: bool,
    pub(crate) topics: Vec<Topic>,
    pub(crate) subscriptions: Vec<Subscription>,
    pub(crate) checks: Vec<(TopicPattern, Arc<CheckPolicy>)>,
    pub(crate) schedules: Vec<Schedule>,
}

/// Messages of one kind, who sends and who handles them, and the promises that they check.
pub(crate) trait Workload {
    /// Adds its topics and subscriptions.
    fn routes(&self, draft: &mut Draft);

    /// Its clients, or its operators, do something.
    fn step(&mut self, host: &mut Host, rng: &mut StdRng) -> Result<(), Dead>;

    /// So many blocks are durable: what they hold is acknowledged.
    fn durable(&mut self, blocks: u64);

    /// The host was told what time it is: the barriers before and after what it did then.
    fn ticked(&mut self, _now: Millis, _barriers: &Range<u64>) {}

    /// A message was passed over, since its subscription remembers its id.
    fn passed_over(&mut self, _host: &Host, _it: &PassedOver) -> Result<(), Dead> {
        Ok(())
    }

    /// The host died, and another one started on a log of so many blocks: what they do not hold is
    /// lost.
    fn restarted(&mut self, host: &mut Host, blocks: u64) -> Result<(), Dead>;

    /// Does what is left to be done without thinking of anything new; true if nothing is.
    fn settle(&mut self, host: &mut Host) -> Result<bool, Dead>;

    /// Holds a host that has settled against what was promised.
    fn check(&mut self, host: &Host) -> Result<(), Dead>;

    /// How many messages were acknowledged.
    fn taken(&self) -> usize;
}

/// Makes a workload.
type New = fn(&mut StdRng) -> Box<dyn Workload>;

/// Draws the workloads of a world: one for certain, and each of the others perhaps.
pub(crate) fn draw(rng: &mut StdRng) -> Vec<Box<dyn Workload>> {
    let all: [New; 12] = [
        |rng| Box::new(Bank::new(rng)),
        |_| Box::new(Errands::default()),
        |_| Box::new(Jobs::default()),
        |_| Box::new(Lines::default()),
        |rng| Box::new(Press::new(rng)),
        |_| Box::new(Chimes::default()),
        |_| Box::new(News::default()),
        |_| Box::new(Pings::default()),
        |rng| Box::new(Tolls::new(rng)),
        |_| Box::new(Ferries::default()),
        |_| Box::new(Vouchers::default()),
        |_| Box::new(Archive::default()),
    ];
    let certain = rng.random_range(0..all.len());
    let mut drawn = Vec::new();
    for (index, new) in all.iter().enumerate() {
        if index == certain || rng.random_ratio(1, 4) {
            drawn.push(new(rng));
        }
    }
    drawn
}

impl Draft {
    /// What workloads want.
    pub(crate) fn of(workloads: &[Box<dyn Workload>], is_last: bool) -> Self {
        let mut draft = Self {
            is_last,
            ..Self::default()
        };
        for workload in workloads {
            workload.routes(&mut draft);
        }
        draft
    }

    /// Declares topics.
    pub(crate) fn declare(&mut self, topics: &[&str]) {
        let topics = topics.iter().map(|topic| TopicPattern::new(topic).into());
        self.topics.extend(topics);
    }

    /// The whole.
    pub(crate) fn build(self) -> Arc<Routes> {
        let mut routes = Routes::new(self.topics, self.subscriptions);
        routes.checks = self.checks;
        let schedules = self.schedules.into_iter();
        routes.schedules = schedules
            .map(|it| (it.name.clone(), Arc::new(it)))
            .collect();
        Arc::new(routes)
    }
}

/// The same routes with other topics, or other subscriptions.
pub(crate) fn rerouted(
    routes: &Routes,
    topics: Vec<Topic>,
    subscriptions: Vec<Subscription>,
) -> Arc<Routes> {
    let mut changed = Routes::new(topics, subscriptions);
    changed.checks.clone_from(&routes.checks);
    changed.schedules.clone_from(&routes.schedules);
    Arc::new(changed)
}

/// A subscription that gives a message up only after more traps than there are.
pub(crate) fn subscription(name: &str, topic: &str, plugin: &str) -> Subscription {
    Subscription {
        retry: RetrySchedule::new(vec![Duration::from_millis(40); 200]),
        ..Subscription::new(name, topic, plugin)
    }
}

/// A message with a producer's id.
pub(crate) fn incoming(topic: &str, key: &str, id: u64, body: Bytes) -> Incoming {
    Incoming {
        topic: topic.into(),
        key: Some(key.into()),
        tag: None,
        headers: Vec::new(),
        body,
        producer_id: Some(ProducerId {
            id: id.to_string(),
            window: Duration::from_secs(3_600),
            claimed: None,
        }),
        deliver: When::Now,
        half: None,
        watch: false,
    }
}
