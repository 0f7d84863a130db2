//! Jobs: messages that some handlers give up, and operators who redrive and purge what they left.
//!
//! A job is done once, or purged, or a dead letter; every letter that there ever was is told of on
//! `$dead` once. One that is redriven through the mended version is handled by that, and so done.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rand::Rng;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};
use wasmill_engine::{Incoming, LetterId};
use wasmill_model::effects::{Failure, FailureKind};
use wasmill_model::record::DeadLetter;
use wasmill_model::routes::{RetrySchedule, Subscription};
use wasmill_model::{Message, dead_event};
use wasmill_port::Call;

use crate::guest::{body, bump, failure, number, once};
use crate::host::{Dead, Held, Host};
use crate::ledger::{Awaiting, Outbox, Parcel};
use crate::workload::{Draft, Workload, incoming, subscription};

/// The plugin that does jobs.
pub(crate) const PLUGIN: &str = "mill";
/// The subscription that gives jobs up.
const GIVES_UP: &str = "job";
/// The one that does whatever is redriven to it.
const REPAIRS: &str = "repair";

/// The version that does whatever is redriven through it.
const MENDED: &str = "mended";

/// Why the version that serves gives jobs up.
const GIVEN_UP: [&str; 2] = ["no such job", "out of order"];

/// A piece of work.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Job {
    id: u64,
    key: String,
    fate: Fate,
}

/// What becomes of a job where jobs are given up.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Fate {
    Done,
    Rejected,
    Exhausted,
}

/// What an operator does to a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Redrive,
    RedriveTo(&'static str),
    RedriveThrough(&'static str),
    Purge,
}

/// The jobs of a world.
#[derive(Debug, Default)]
pub(crate) struct Jobs {
    next_id: u64,
    outbox: Outbox<Job>,
    /// Letters that were listed, and not told of yet.
    listed: Awaiting<Vec<LetterId>>,
    /// Letters that an operator sees.
    seen: Vec<LetterId>,
    /// A letter that somebody has read and is about to act upon.
    held: Option<Held>,
    acts: Awaiting<(LetterId, Job, Act)>,
    done: BTreeMap<LetterId, (Job, Act)>,
}

impl Parcel for Job {
    fn incoming(&self) -> Incoming {
        let body = serde_json::to_vec(self).expect("a job").into();
        incoming("job", &self.key, self.id, body)
    }
}

/// Does a job, gives it up, or takes note of a letter.
pub(crate) fn handle(call: &mut Call) -> Result<(), Failure> {
    #[derive(Deserialize)]
    struct Event {
        id: String,
    }
    match &*call.delivery().subscription.clone() {
        GIVES_UP | REPAIRS => {
            let it: Job = body(call);
            let delivery = call.delivery();
            let repairs = is_mended(&delivery.message) || delivery.subscription == *REPAIRS;
            match it.fate {
                Fate::Rejected if !repairs => Err(failure(FailureKind::Reject, GIVEN_UP[0])),
                Fate::Exhausted if !repairs => Err(failure(FailureKind::Retry, GIVEN_UP[1])),
                _ => once(call, &format!("done/{}", it.id)),
            }
        }
        _ => {
            let Event { id } = body(call);
            bump(call, "events")?;
            once(call, &format!("event/{id}"))
        }
    }
}

impl Jobs {
    fn think(&mut self, rng: &mut StdRng) {
        self.next_id += 1;
        self.outbox.push(Job {
            id: self.next_id,
            key: format!("jobs-{}", rng.random_range(0..3)),
            fate: match rng.random_range(0..5) {
                0 | 1 => Fate::Done,
                2 | 3 => Fate::Rejected,
                _ => Fate::Exhausted,
            },
        });
    }

    /// An operator reads a letter, acts upon the one read before, or upon all.
    fn operate(&mut self, host: &mut Host, rng: &mut StdRng) -> Result<(), Dead> {
        let act = match rng.random_range(0..5) {
            0 => Act::Purge,
            1 => Act::RedriveTo(REPAIRS),
            2 => Act::RedriveThrough(MENDED),
            _ => Act::Redrive,
        };
        if let Some(held) = self.held.take() {
            return self.act(host, held, act);
        }
        let all = match rng.random_ratio(1, 6) {
            true => self.seen.clone(),
            false if self.seen.is_empty() => Vec::new(),
            false => vec![self.seen[rng.random_range(0..self.seen.len())].clone()],
        };
        for id in all {
            match host.read_letter(&id)? {
                Some(held) if rng.random_ratio(1, 4) => self.held = Some(held),
                Some(held) => self.act(host, held, act)?,
                None => self.gone(&id),
            }
        }
        Ok(())
    }

    fn act(&mut self, host: &mut Host, held: Held, act: Act) -> Result<(), Dead> {
        let id = held.id().clone();
        let job: Job = job_of(held.letter());
        match host.act_on_letter(held, act)? {
            true => {
                assert!(!self.is_taken(&id), "letter {id} was there again");
                self.seen.retain(|it| *it != id);
                self.acts.push(host.barrier(), (id, job, act));
            }
            false => self.gone(&id),
        }
        Ok(())
    }

    /// A letter that was seen is not there any more.
    fn gone(&mut self, id: &LetterId) {
        assert!(self.is_taken(id), "letter {id} is gone, and nobody took it");
        self.seen.retain(|it| it != id);
    }

    fn is_taken(&self, id: &LetterId) -> bool {
        self.done.contains_key(id) || self.acts.iter().any(|(it, ..)| it == id)
    }

    /// Whether the events of a key's letters are one for each.
    fn check_events(&self, host: &Host, standing: &[(LetterId, DeadLetter)]) -> Result<(), Dead> {
        let standing = standing.iter().map(|(id, it)| (id, job_of(it).key));
        let taken = self.done.iter().map(|(id, (it, _))| (id, it.key.clone()));
        let mut by_key: BTreeMap<String, BTreeSet<&LetterId>> = BTreeMap::new();
        for (id, key) in standing.chain(taken) {
            by_key.entry(key).or_default().insert(id);
        }
        for (key, letters) in by_key {
            for id in &letters {
                let event = host.state(PLUGIN, &key, &format!("event/{id}"))?;
                assert!(event.is_some(), "letter {id} was not told of");
            }
            let events = number(host.state(PLUGIN, &key, "events")?.as_ref());
            let count = i64::try_from(letters.len()).expect("few letters");
            assert_eq!(events, Some(count), "letters of {key} that were told of");
        }
        Ok(())
    }
}

/// Whether a message is for the mended version alone.
fn is_mended(message: &Message) -> bool {
    let chosen = message.chosen_version();
    chosen.is_some_and(|version| *version == *MENDED)
}

fn job_of(letter: &DeadLetter) -> Job {
    serde_json::from_slice(&letter.message.body).expect("a job")
}

impl Workload for Jobs {
    fn routes(&self, draft: &mut Draft) {
        draft.declare(&["job", REPAIRS]);
        draft.subscriptions.extend([
            Subscription {
                retry: RetrySchedule::new(vec![Duration::from_millis(20); 2]),
                ..subscription(GIVES_UP, "job", PLUGIN)
            },
            subscription(REPAIRS, REPAIRS, PLUGIN),
            Subscription {
                tags: vec![GIVES_UP.into()],
                ..subscription("mourner", dead_event::TOPIC, PLUGIN)
            },
        ]);
    }

    fn step(&mut self, host: &mut Host, rng: &mut StdRng) -> Result<(), Dead> {
        match rng.random_range(0..6) {
            0 | 1 => self.think(rng),
            2 => self.outbox.send(host, 5, |_, _| {})?,
            3 => {
                let letters = host.letters(GIVES_UP)?;
                let ids = letters.into_iter().map(|(id, _)| id).collect();
                self.listed.push(host.barrier(), ids);
            }
            _ => self.operate(host, rng)?,
        }
        Ok(())
    }

    fn durable(&mut self, blocks: u64) {
        self.outbox.durable(blocks);
        for (id, job, act) in self.acts.told(blocks) {
            self.done.insert(id, (job, act));
        }
        if let Some(listed) = self.listed.told(blocks).pop() {
            self.seen = listed;
        }
    }

    fn restarted(&mut self, _host: &mut Host, blocks: u64) -> Result<(), Dead> {
        drop(self.outbox.restarted());
        for (id, job, act) in self.acts.told(blocks) {
            self.done.insert(id, (job, act));
        }
        self.acts.lost();
        self.listed.lost();
        self.held = None;
        Ok(())
    }

    fn settle(&mut self, host: &mut Host) -> Result<bool, Dead> {
        self.outbox.send(host, 100, |_, _| {})?;
        Ok(self.outbox.is_done())
    }

    fn check(&mut self, host: &Host) -> Result<(), Dead> {
        let standing = host.letters(GIVES_UP)?;
        for (id, letter) in &standing {
            assert!(!self.done.contains_key(id), "letter {id} was there again");
            assert!(
                !(is_mended(&letter.message) && GIVEN_UP.contains(&letter.cause.as_str())),
                "letter {id} was redriven through a version that did not handle it"
            );
        }
        for job in self.outbox.taken() {
            let id = job.id;
            let done = host.state(PLUGIN, &job.key, &format!("done/{id}"))?;
            let letters = standing.iter().filter(|(_, it)| job_of(it).id == id);
            let acts = self.done.values().filter(|(it, _)| it.id == id);
            let purged = acts.filter(|(_, act)| *act == Act::Purge);
            let ends = [usize::from(done.is_some()), letters.count(), purged.count()];
            assert_eq!(
                ends.iter().sum::<usize>(),
                1,
                "job {id}: done, dead letters, purged: {ends:?}"
            );
        }
        self.check_events(host, &standing)
    }

    fn taken(&self) -> usize {
        self.outbox.taken().len()
    }
}
