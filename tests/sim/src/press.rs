//! The press: an editor's handlers send articles to readers that come and go, have filters, begin
//! somewhere in the log, and are moved.
//!
//! How often each reader gets each article follows from what was committed when the routes changed
//! and when it was moved. A position moved delivers what lies behind it once more, and in order, but
//! for what its topic keeps no longer; what waits is lost by no retention.

mod desk;
mod guest;
mod model;

use std::sync::Arc;
use std::time::Duration;

use rand::Rng;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};
use wasmill_engine::Incoming;
use wasmill_model::filter::{Comparison, Condition, Filter, Property, Value};
use wasmill_model::routes::{Routes, Subscription, Topic, TopicPattern};
use wasmill_model::{Millis, Start};

use crate::host::{Dead, Host};
use crate::ledger::{Outbox, Parcel};
use crate::workload::{Draft, Workload, incoming, rerouted, subscription};

use desk::Desk;

pub(crate) use guest::handle;

/// The plugin of the editor and of all readers.
pub(crate) const PLUGIN: &str = "press";
/// The header that readers may choose by.
const REGION: &str = "region";
/// Readers: the first is there from the beginning, and gets the timers as well.
const READERS: [&str; 4] = ["reader-0", "reader-1", "reader-2", "reader-3"];

/// How long articles are kept, where they are not kept for as long as the log.
const RETENTION: Duration = Duration::from_millis(600);

/// What the editor makes an article of.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Piece {
    /// Consecutive, also among the articles of a key.
    id: u64,
    key: String,
    /// Set if the article has the header.
    region: Option<String>,
    /// After how long a timer of the article rings.
    rings_after: Option<u64>,
}

/// The press of a world.
#[derive(Debug)]
pub(crate) struct Press {
    /// How long articles are kept for moves.
    retention: Option<Duration>,
    next_id: u64,
    outbox: Outbox<Piece>,
    desk: Desk,
}

impl Parcel for Piece {
    fn incoming(&self) -> Incoming {
        let body = serde_json::to_vec(self).expect("a piece").into();
        incoming("draft", &self.key, self.id, body)
    }
}

impl Piece {
    /// Whether the filter of a reader, if it has one, lets the article pass.
    fn passes(&self, reader: &str) -> bool {
        !is_choosy(reader) || self.region.as_deref() == Some("eu")
    }
}

fn is_choosy(reader: &str) -> bool {
    reader == READERS[1] || reader == READERS[2]
}

/// A reader as the routes have it, and where it begins if it is new.
fn reader(name: &str, start: Start) -> Subscription {
    let topic = if name == READERS[0] {
        "article*"
    } else {
        "article"
    };
    let condition = Condition::Compare(
        Property::Header(REGION.into()),
        Comparison::Equal,
        Value::Text("eu".to_owned()),
    );
    Subscription {
        filter: is_choosy(name).then(|| Filter::new("region = 'eu'", condition)),
        start,
        ..subscription(name, topic, PLUGIN)
    }
}

impl Press {
    /// A press that keeps its articles for as long as the log, or for less.
    pub(crate) fn new(rng: &mut StdRng) -> Self {
        let retention = rng.random::<bool>().then_some(RETENTION);
        Self {
            retention,
            next_id: 0,
            outbox: Outbox::default(),
            desk: Desk::new(retention),
        }
    }

    fn think(&mut self, rng: &mut StdRng) {
        self.next_id += 1;
        let piece = Piece {
            id: self.next_id,
            key: format!("press-{}", rng.random_range(0..3)),
            region: match rng.random_range(0..3) {
                0 => None,
                1 => Some("eu".to_owned()),
                _ => Some("us".to_owned()),
            },
            rings_after: rng.random_ratio(1, 8).then(|| rng.random_range(1..300)),
        };
        self.desk.expect(piece.clone());
        self.outbox.push(piece);
    }

    /// An operator puts a reader into the routes, or takes it out.
    fn reroute(&mut self, host: &mut Host, rng: &mut StdRng) -> Result<(), Dead> {
        let name = READERS[rng.random_range(1..READERS.len())];
        let start = somewhere(host, rng);
        let goes = host.routes().subscription(name).is_some();
        if goes && !Desk::has_arrived(host, name) {
            return Ok(());
        }
        self.desk.begin_change(host)?;
        host.set_routes(&with_reader(host.routes(), name, (!goes).then_some(start)));
        self.desk.rerouted(host);
        self.desk.end_change(host);
        Ok(())
    }

    /// An operator moves a reader.
    fn shift(&mut self, host: &mut Host, rng: &mut StdRng) -> Result<(), Dead> {
        let name = READERS[rng.random_range(0..READERS.len())];
        let to = somewhere(host, rng);
        if host.routes().subscription(name).is_none() {
            return Ok(());
        }
        self.desk.begin_change(host)?;
        let counts = self.desk.counts(host, name)?;
        if host.move_to(name, to) {
            self.desk.moved(host, name, to, &counts);
        }
        self.desk.end_change(host);
        Ok(())
    }
}

/// Where a reader may begin.
fn somewhere(host: &Host, rng: &mut StdRng) -> Start {
    match rng.random_range(0..3) {
        0 => Start::First,
        1 => Start::Last,
        _ => Start::At(Millis(
            host.now().0.saturating_sub(rng.random_range(0..2_000)),
        )),
    }
}

/// The same routes with a reader, or without it.
fn with_reader(routes: &Routes, name: &str, start: Option<Start>) -> Arc<Routes> {
    let others = routes.subscriptions().filter(|it| it.name != *name);
    let mut subscriptions: Vec<_> = others.map(|it| Subscription::clone(it)).collect();
    subscriptions.extend(start.map(|start| reader(name, start)));
    rerouted(routes, routes.topics().to_vec(), subscriptions)
}

impl Workload for Press {
    fn routes(&self, draft: &mut Draft) {
        draft.declare(&["draft", "article.ring"]);
        draft.topics.push(Topic {
            retention: self.retention,
            ..TopicPattern::new("article").into()
        });
        let readers = match draft.is_last {
            true => &READERS[..],
            false => &READERS[..2],
        };
        let readers = readers.iter().map(|name| reader(name, Start::First));
        draft.subscriptions.extend(readers);
        let editor = subscription("editor", "draft", PLUGIN);
        draft.subscriptions.push(editor);
    }

    fn step(&mut self, host: &mut Host, rng: &mut StdRng) -> Result<(), Dead> {
        match rng.random_range(0..12) {
            0..=4 => self.think(rng),
            5..=7 => self.outbox.send(host, 5, |_, _| {})?,
            8 | 9 => self.desk.observe(host)?,
            10 => self.reroute(host, rng)?,
            _ => self.shift(host, rng)?,
        }
        Ok(())
    }

    fn durable(&mut self, blocks: u64) {
        self.outbox.durable(blocks);
        self.desk.durable(blocks);
    }

    fn restarted(&mut self, host: &mut Host, blocks: u64) -> Result<(), Dead> {
        drop(self.outbox.restarted());
        self.desk.restarted(host, blocks)
    }

    fn settle(&mut self, host: &mut Host) -> Result<bool, Dead> {
        self.outbox.send(host, 100, |_, _| {})?;
        let is_moving = READERS.iter().any(|name| host.is_moving(name));
        Ok(self.outbox.is_done() && !is_moving)
    }

    fn check(&mut self, host: &Host) -> Result<(), Dead> {
        self.desk.observe(host)?;
        self.desk.check(host, self.outbox.taken())
    }

    fn taken(&self) -> usize {
        self.outbox.taken().len()
    }
}
