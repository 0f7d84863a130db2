//! What waits is told from the view, whatever happens while that is read.

use std::collections::{BTreeMap, HashSet};

use wasmill_engine::story::{Filter, Place};
use wasmill_engine::story::{Sought, Story, Teller, Waiting, Waits, Wanted, What};
use wasmill_engine::{codec, layout};
use wasmill_model::effects::Delayed;
use wasmill_model::record::DeadLetter;
use wasmill_model::{MessageId, PartitionId, Record};

use super::*;

const BYTES: usize = 1 << 20;
const DUE: Millis = Millis(9_000);
/// More than a page holds.
const LARGE: &[u8] = &[7; 50_000];

/// An engine with its log and its view.
struct World {
    engine: Engine,
    log: Vec<Vec<u8>>,
    view: BTreeMap<Vec<u8>, Bytes>,
    open: Vec<RunRequest>,
}

impl World {
    fn new() -> Self {
        let mut world = Self {
            engine: engine(vec![sub("first", "a"), sub("second", "b")]),
            log: Vec::new(),
            view: BTreeMap::new(),
            open: Vec::new(),
        };
        world.engine.tick(START);
        world.serve();
        world
    }

    fn accept(&mut self, topic: &str, key: &str, body: &'static [u8], deliver: When) -> MessageId {
        let incoming = Incoming {
            deliver,
            ..message(topic, key, body)
        };
        let id = self.engine.accept(incoming, START).unwrap().message;
        self.serve();
        id
    }

    /// Does what the engine asks of the view, and keeps the runs.
    fn serve(&mut self) {
        loop {
            let actions = self.engine.take_actions();
            if actions.is_empty() {
                break;
            }
            for action in actions {
                match action {
                    Action::Run(run) => self.open.push(run),
                    Action::WritePage(page, bytes) => {
                        self.view.insert(key(&page), bytes.into());
                    }
                    Action::LoadPage(page) => {
                        let bytes = self.view[&key(&page)].clone();
                        self.engine.page_loaded(&page, &bytes).unwrap();
                    }
                    Action::LoadTimers { partition, .. } => {
                        let timers = layout::timers(partition);
                        let stored = self.entries(&timers);
                        let all = stored.map(|(_, it)| codec::decode::<Delayed>(it).unwrap());
                        let all = all.collect();
                        self.engine.timers_loaded(partition, all, true);
                    }
                    _ => {}
                }
            }
        }
        self.log.extend(self.engine.seal().1);
    }

    fn entries(&self, prefix: &[u8]) -> impl Iterator<Item = (&Vec<u8>, &Bytes)> {
        let all = self.view.range(prefix.to_vec()..);
        all.take_while(move |(key, _)| key.starts_with(prefix))
    }

    /// Ends the oldest run, at its first message.
    fn end(&mut self, result: Result<Effects, Failure>, now: Millis) {
        let run = self.open.remove(0);
        self.engine.complete(&run.ticket, vec![result], now);
        self.serve();
    }

    fn tick(&mut self, now: Millis) {
        self.engine.tick(now);
        self.serve();
    }

    fn checkpoint(&mut self) {
        let checkpoint = self.engine.begin_checkpoint(Config::default().partitions);
        self.serve();
        for write in checkpoint.blind.into_iter().chain(checkpoint.atomic) {
            match write.value {
                Some(value) => self.view.insert(write.key, value),
                None => self.view.remove(&write.key),
            };
        }
        self.engine.end_checkpoint();
        self.serve();
    }

    /// Reads what waits, as a look-up does. `meanwhile` happens before what has the nth prefix of
    /// the partition is read.
    fn waiting(
        &mut self,
        id: PartitionId,
        sought: Sought,
        (nth, meanwhile): (usize, impl FnOnce(&mut Self)),
    ) -> Waiting {
        let mut waiting = Waiting::new(sought, BYTES);
        let meta = self.view.get(layout::META).cloned();
        waiting.begin(meta.as_deref()).unwrap();
        let mut meanwhile = Some(meanwhile);
        for (at, prefix) in Waiting::prefixes(id).into_iter().enumerate() {
            if at == nth
                && let Some(meanwhile) = meanwhile.take()
            {
                meanwhile(self);
            }
            for (key, value) in self.entries(&prefix) {
                waiting.take(key, value).unwrap();
            }
        }
        waiting.end_partition(id);
        if let Some(meanwhile) = meanwhile {
            meanwhile(self);
        }
        for (number, block) in (0..).zip(&self.log).skip(waiting.next_block() as usize) {
            for encoded in codec::encoded_records(block).unwrap() {
                let encoded = encoded.unwrap();
                if waiting.wants(number, encoded) {
                    waiting.apply(&codec::decode::<Record>(encoded).unwrap());
                }
            }
        }
        waiting
    }

    /// The story of a message of partition `of`, in a log that begins with block `first`.
    fn tell(&mut self, of: PartitionId, id: MessageId, first: usize) -> Vec<(usize, Story)> {
        let wanted = Wanted::Message(id);
        let waiting = self.waiting(of, Sought::of_stories(&wanted), (0, |_: &mut Self| ()));
        let mut teller = Teller::new(wanted, |_| true, BYTES).with_waiting(waiting);
        for block in &self.log[first..] {
            for encoded in codec::encoded_records(block).unwrap() {
                let encoded = encoded.unwrap();
                if teller.wants(encoded) {
                    let at = codec::header(block).unwrap().at;
                    teller.read(at, &codec::decode(encoded).unwrap());
                }
            }
        }
        teller.finish()
    }
}

fn key(page: &wasmill_engine::PageRef) -> Vec<u8> {
    layout::page(page.partition, &page.subscription, &page.queue, page.number)
}

fn all() -> Filter {
    Filter {
        key: None,
        topic: None,
        correlation: None,
        from: Millis(0),
        to: Millis::MAX,
    }
}

/// How the one event begins that a story tells of waiting.
fn waits(told: &[(usize, Story)]) -> &Waits {
    let [(0, story)] = told else {
        panic!("{told:?}")
    };
    match &story.events[0].what {
        What::Waits(how) => how,
        other => panic!("{other:?}"),
    }
}

/// A message that waits for its time, one that is parked, one behind it, and a dead letter.
fn crowd(world: &mut World) -> (PartitionId, [MessageId; 4]) {
    let later = world.accept("b", "k", b"later", When::At(DUE));
    let parked = world.accept("a", "k", b"parked", When::Now);
    world.end(failure(FailureKind::Retry), START);
    let behind = world.accept("a", "k", LARGE, When::Now);
    let dead = world.accept("b", "k", b"dead", When::Now);
    world.end(failure(FailureKind::Reject), START);
    let of = world.engine.partitioner().of("k");
    (of, [later, parked, behind, dead])
}

#[test]
fn what_waits_is_told_as_what_it_is_once_the_log_begins_after_it() {
    let mut world = World::new();
    let (of, [later, parked, behind, dead]) = crowd(&mut world);
    world.checkpoint();
    let first = world.log.len();
    let told = world.tell(of, later, first);
    assert_eq!(waits(&told), &Waits::Delayed { due: DUE });
    assert_eq!(told[0].1.message.body, "later");
    let told = world.tell(of, parked, first);
    let Waits::Queued {
        attempts: 1,
        parked: Some(parking),
        ..
    } = waits(&told)
    else {
        panic!("{told:?}")
    };
    assert_eq!(parking.cause, "on purpose");
    let told = world.tell(of, behind, first);
    let is_queued = matches!(
        waits(&told),
        Waits::Queued {
            attempts: 0,
            parked: None,
            ..
        }
    );
    assert!(is_queued, "{told:?}");
    let told = world.tell(of, dead, first);
    assert!(matches!(waits(&told), Waits::Dead { attempts: 1, since, .. } if *since == START));

    // What the log tells itself is not told twice.
    for id in [later, parked, behind, dead] {
        let told = world.tell(of, id, 0);
        let again = |it: &wasmill_engine::story::Event| matches!(it.what, What::Waits(_));
        assert!(!told[0].1.events.iter().any(again), "{told:?}");
    }
}

#[test]
fn what_ends_while_the_view_is_read_is_not_told_as_waiting() {
    let steps = Waiting::prefixes(PartitionId(0)).len();
    for (nth, checkpointed) in (0..=steps).flat_map(|it| [(it, false), (it, true)]) {
        let mut world = World::new();
        let (of, _) = crowd(&mut world);
        world.checkpoint();
        let ends = |world: &mut World| {
            let letters = layout::dead_letters(of, None);
            let letter = world.entries(&letters).next().expect("a letter").1;
            let letter: DeadLetter = codec::decode(letter).unwrap();
            assert!(world.engine.purge(of, &letter, START));
            world.tick(DUE);
            while !world.open.is_empty() {
                world.end(Ok(Effects::default()), DUE);
            }
            assert_eq!(pending(&world.engine), 0);
            if checkpointed {
                world.checkpoint();
            }
        };
        let sought = Sought::of_page(&all(), None);
        let waiting = world.waiting(of, sought, (nth, ends));
        let left: Vec<_> = waiting.found(&HashSet::new()).collect();
        assert!(left.is_empty(), "at {nth}, {checkpointed}: {left:?}");
    }
}

/// So many keys of a partition.
fn keys_of(world: &World, of: PartitionId, count: usize) -> Vec<String> {
    let of_it = |key: &String| world.engine.partitioner().of(key) == of;
    let keys = (0..).map(|it: u32| it.to_string()).filter(of_it);
    keys.take(count).collect()
}

#[test]
fn what_moves_between_queues_while_the_view_is_read_is_told_once() {
    let steps = Waiting::prefixes(PartitionId(0)).len();
    for (nth, handled) in (0..=steps).flat_map(|it| [1, 40, 90].map(|count| (it, count))) {
        let mut world = World::new();
        let of = world.engine.partitioner().of("0");
        let keys = keys_of(&world, of, 8);
        // More than lanes take at once, of keys that hold more than a track does.
        let mut sent = Vec::new();
        for at in 0..800 {
            sent.push(world.accept("a", &keys[at % 8], b"x", When::Now));
        }
        world.checkpoint();
        let moves = |world: &mut World| {
            for _ in 0..handled {
                world.end(Ok(Effects::default()), START);
            }
            world.checkpoint();
        };
        let waiting = world.waiting(of, Sought::of_page(&all(), None), (nth, moves));
        let found: Vec<_> = waiting.found(&HashSet::new()).collect();
        let told: HashSet<_> = found.iter().map(|it| it.message.id).collect();
        assert_eq!(told.len(), found.len(), "some twice");
        assert_eq!(told.len() as u64, pending(&world.engine), "at {nth}");
    }
}

#[test]
fn what_a_host_that_died_left_in_pages_is_not_told_as_waiting() {
    let mut world = World::new();
    let of = world.engine.partitioner().of("0");
    let keys = keys_of(&world, of, 2);
    let send = |world: &mut World| -> HashSet<_> {
        let keys = (0..300).map(|at| &keys[at % 2]);
        let sent = keys.map(|key| world.accept("a", key, LARGE, When::Now));
        sent.collect()
    };
    let durable = send(&mut world);
    world.checkpoint();
    let (blocks, entries) = (world.log.len(), world.view.len());
    send(&mut world);
    assert!(world.view.len() > entries, "pages were written");
    world.log.truncate(blocks);
    let waiting = world.waiting(of, Sought::of_page(&all(), None), (0, |_: &mut World| ()));
    assert_eq!(waiting.ids(), durable);
}

#[test]
fn what_there_is_no_room_for_is_found_after_the_last_place() {
    let mut world = World::new();
    let of = world.engine.partitioner().of("k");
    let sent: HashSet<_> = (0..100)
        .map(|_| world.accept("b", "k", b"later", When::At(DUE)))
        .collect();
    world.checkpoint();
    let (mut before, mut found) = (None, Vec::new());
    loop {
        let sought = Sought::of_page(&all(), before);
        let mut waiting = Waiting::new(sought, 10_000);
        let meta = world.view.get(layout::META).cloned();
        waiting.begin(meta.as_deref()).unwrap();
        for prefix in Waiting::prefixes(of) {
            for (key, value) in world.entries(&prefix) {
                waiting.take(key, value).unwrap();
            }
        }
        waiting.end_partition(of);
        found.extend(waiting.found(&HashSet::new()));
        before = waiting.next();
        let Some(place) = before else { break };
        assert_eq!(place.to_string().parse::<Place>(), Ok(place));
    }
    assert!(found.is_sorted_by(|a, b| a.place > b.place));
    let found: HashSet<_> = found.iter().map(|it| it.message.id).collect();
    assert_eq!(found, sent);
}
