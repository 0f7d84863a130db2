//! What the log tells of messages.

use wasmill_engine::codec;
use wasmill_engine::dead_letters::Redrive;
use wasmill_engine::story::{Ending, Filter, Finder, Found, Handling, Stored};
use wasmill_engine::story::{Story, Teller, Wanted, What};
use wasmill_model::effects::{Delayed, Metered, Outcome, Scope, TimerRef};
use wasmill_model::record::{Called, CodeVersion, Used};
use wasmill_model::{Message, MessageId, Record, reserved};

use super::*;

/// Room for all stories of a test.
const BYTES: usize = 1 << 20;
/// When a timer of a test is due.
const DUE: Millis = Millis(9_000);

/// An engine, and the blocks of its log.
struct World {
    engine: Engine,
    log: Vec<Vec<u8>>,
}

impl World {
    /// Two subscriptions of one plugin, to topics `a` and `b`.
    fn new() -> Self {
        let mut engine = engine(vec![sub("first", "a"), sub("second", "b")]);
        engine.tick(START);
        // The view has no timers.
        for action in engine.take_actions() {
            if let Action::LoadTimers { partition, .. } = action {
                engine.timers_loaded(partition, Vec::new(), true);
            }
        }
        let log = Vec::new();
        Self { engine, log }
    }

    fn accept(&mut self, topic: &str, key: &str) -> MessageId {
        let accepted = self.engine.accept(message(topic, key, b"body"), START);
        accepted.expect("accepted").message
    }

    /// Ends the one run there is, of one message, and seals what comes of it.
    fn end(
        &mut self,
        now: Millis,
        result: impl FnOnce(&Engine, &Message) -> Result<Effects, Failure>,
    ) {
        let mut open = runs(&mut self.engine);
        let run = open.pop().expect("a run");
        assert!(open.is_empty() && run.messages.len() == 1);
        let result = result(&self.engine, &run.messages[0].message);
        let outcome = Outcome {
            call: Some(call()),
            ..Outcome::from(result)
        };
        self.engine.complete(&run.ticket, vec![outcome], now);
        self.log.extend(self.engine.seal().1);
    }

    /// Reads the log as a look-up does: only what the teller wants.
    fn tell(&mut self, wanted: Wanted) -> Vec<(usize, Story)> {
        self.log.extend(self.engine.seal().1);
        let mut teller = Teller::new(wanted, |_| true, BYTES);
        for block in &self.log {
            if !teller.wants_block(block) {
                continue;
            }
            for encoded in codec::encoded_records(block).expect("a block") {
                let encoded = encoded.expect("a record");
                if teller.wants(encoded) {
                    let at = codec::header(block).expect("a block").at;
                    teller.read(at, &codec::decode(encoded).expect("a record"));
                }
            }
        }
        teller.finish()
    }

    fn find(&mut self, filter: Filter) -> Vec<Found> {
        self.log.extend(self.engine.seal().1);
        let finder = Finder::new(filter);
        let mut found = Vec::new();
        for (number, block) in (0..).zip(&self.log) {
            let at = codec::header(block).expect("a block").at;
            for (nth, encoded) in (0..).zip(codec::encoded_records(block).expect("a block")) {
                let encoded = encoded.expect("a record");
                let record: Record = codec::decode(encoded).expect("a record");
                let here = finder.find(at, (number, nth), &record);
                assert!(here.is_empty() || finder.wants(encoded), "held back");
                found.extend(here);
            }
        }
        found
    }
}

fn call() -> Metered {
    Metered {
        called: Called {
            version: CodeVersion::of_hash("0123456789ab"),
            duration_us: 420,
            fuel: 7,
        },
        used: Used {
            memory_bytes: 1 << 20,
            memory_grown_bytes: 1 << 16,
            host_calls: 3,
            bytes_in: 11,
            bytes_out: 200,
        },
    }
}

fn scope(key: &str) -> Scope {
    Scope {
        plugin: "plugin".into(),
        key: key.into(),
    }
}

/// A message as the handler of `cause` sends it.
fn caused(cause: &Message, nth: u32, topic: &str, key: &str) -> Message {
    Message {
        id: cause.id.sent("first", nth),
        topic: topic.into(),
        key: Some(key.into()),
        causation: Some(cause.id),
        ..cause.clone()
    }
}

/// What sets the timer `t` of the key `k`.
fn timer(cause: &Message) -> Delayed {
    let message = Message {
        timer: Some("t".into()),
        ..caused(cause, 9, "b", "k")
    };
    Delayed {
        due: DUE,
        message: Arc::new(message),
        scope: Some(scope("k")),
    }
}

fn sends(engine: &Engine, message: Message) -> Effects {
    Effects {
        sends: vec![engine.routes().fan_out(Arc::new(message))],
        ..Effects::default()
    }
}

fn done(_: &Engine, _: &Message) -> Result<Effects, Failure> {
    Ok(Effects::default())
}

fn whats(story: &Story) -> Vec<&What> {
    story.events.iter().map(|event| &event.what).collect()
}

/// How a story's deliveries ended.
fn handlings(story: &Story) -> Vec<&Handling> {
    let all = whats(story).into_iter();
    all.filter_map(|what| match what {
        What::Handled(handling) => Some(&**handling),
        _ => None,
    })
    .collect()
}

/// A flow that fails once, does much, and ends in a dead letter; beside others.
fn eventful() -> (World, MessageId) {
    let mut world = World::new();
    world.accept("a", "noise");
    world.end(START, done);
    let root = world.accept("a", "k");
    world.end(START, |_, _| failure(FailureKind::Retry));
    world.accept("b", "k");
    world.end(START, done);
    let later = Millis(2_000);
    world.engine.tick(later);
    world.end(later, |engine, root| {
        Ok(Effects {
            writes: vec![
                ("kept".into(), Some(Bytes::new())),
                ("gone".into(), None),
                (reserved::claim("once"), Some(Bytes::new())),
                (reserved::timer("old"), None),
                (reserved::timer("t"), Some(Bytes::new())),
            ],
            delayed: vec![timer(root)],
            ..sends(engine, caused(root, 0, "b", "elsewhere"))
        })
    });
    world.end(later, |_, _| failure(FailureKind::Reject));
    (world, root)
}

#[test]
fn a_flow_is_told_whole_with_its_retry_its_dead_letter_and_nothing_of_others() {
    let (mut world, root) = eventful();
    let told = world.tell(Wanted::Flows([root].into()));
    let shape: Vec<_> = told
        .iter()
        .map(|(depth, it)| (*depth, &*it.message.topic))
        .collect();
    assert_eq!(shape, [(0, "a"), (1, "b"), (1, "b")]);
    let [(_, first), (_, timer), (_, second)] = &told[..] else {
        panic!("{told:?}")
    };
    assert_eq!((first.message.id, first.body_bytes), (root, 4));
    assert!(first.message.body.is_empty());

    let [failed, handled] = handlings(first)[..] else {
        panic!("{first:?}")
    };
    let due = START + Duration::from_millis(100);
    let cause = "on purpose".to_owned();
    let retry = Ending::Retry {
        attempts: 1,
        due,
        cause: cause.clone(),
    };
    assert_eq!(
        (&failed.outcome, &failed.did),
        (&retry, &Default::default())
    );
    let by = handled.handled.as_ref().expect("a call");
    assert_eq!(
        (&*by.plugin, by.attempt, by.call, handled.used),
        ("plugin", 2, Some(call().called), Some(call().used))
    );
    assert_eq!(failed.used, Some(call().used));
    assert_eq!(handled.outcome, Ending::Done);
    assert_eq!(
        (&handled.did.written[..], &handled.did.deleted[..]),
        (&["kept".into()][..], &["gone".into()][..])
    );
    assert_eq!(handled.did.claimed, ["once"]);
    assert_eq!(handled.did.timers_cancelled, ["old"]);
    assert_eq!(handled.did.timers_set, [("t".into(), timer.message.id)]);
    assert_eq!(handled.did.sent, [second.message.id]);

    assert_eq!(whats(timer), [&What::Delayed { due: DUE }]);
    let dead = Ending::Dead { attempts: 1, cause };
    assert_eq!(handlings(second)[0].outcome, dead);
    assert!(matches!(
        whats(second)[..2],
        [What::Sent(_), What::Arrived(_)]
    ));

    // One message by itself has its body, and the same story.
    let alone = world.tell(Wanted::Message(second.message.id));
    assert_eq!(alone.len(), 1);
    assert_eq!(alone[0].1.message.body, "body");
    assert_eq!(alone[0].1.events, second.events);
}

#[test]
fn a_dead_letter_is_told_redriven_and_purged() {
    let mut world = World::new();
    let id = world.accept("a", "k");
    let partition = world.engine.partitioner().of("k");
    let letter = |engine: &Engine| {
        let letters = engine.recent_dead_letters(partition, None, None);
        letters
            .into_iter()
            .find_map(|(_, letter)| letter)
            .expect("a letter")
    };
    world.end(START, |_, _| failure(FailureKind::Reject));
    let it = letter(&world.engine);
    world
        .engine
        .redrive(partition, &it, &Redrive::default(), START)
        .expect("redriven");
    world.end(START, |_, _| failure(FailureKind::Reject));
    let it = letter(&world.engine);
    assert!(world.engine.purge(partition, &it, START));
    let told = world.tell(Wanted::Message(id));
    let whats = whats(&told[0].1);
    let as_told = matches!(
        whats[..],
        [
            What::Sent(_),
            What::Handled(_),
            What::Redriven(_),
            What::Handled(_),
            What::Purged { .. }
        ]
    );
    assert!(as_told, "{whats:?}");
}

#[test]
fn a_timer_is_told_due_or_cancelled_and_by_whom() {
    let mut world = World::new();
    let root = world.accept("a", "k");
    world.end(START, |_, root| {
        Ok(Effects {
            delayed: vec![timer(root)],
            ..Effects::default()
        })
    });
    let other = world.accept("a", "k");
    let mut id = None;
    world.end(START, |_, other| {
        let set = timer(other);
        id = Some(set.message.id);
        Ok(Effects {
            cancelled: vec![TimerRef {
                due: DUE,
                id: root.sent("first", 9),
            }],
            delayed: vec![set],
            ..Effects::default()
        })
    });
    world.engine.tick(DUE);
    world.end(DUE, done);
    let told = world.tell(Wanted::Flows([root, other].into()));
    let of = |id| {
        &told
            .iter()
            .find(|(_, it)| it.message.id == id)
            .expect("told")
            .1
    };
    let cancelled = whats(of(root.sent("first", 9)));
    assert_eq!(cancelled[1..], [&What::Cancelled { by: Some(other) }]);
    let rang = whats(of(id.expect("set")));
    assert!(
        matches!(
            rang[..],
            [What::Delayed { .. }, What::Due(_), What::Handled(_)]
        ),
        "{rang:?}"
    );
}

#[test]
fn messages_are_found_by_key_topic_and_flow_where_they_were_stored() {
    let mut world = World::new();
    let root = world.accept("a", "k");
    world.end(START, |engine, root| {
        Ok(Effects {
            delayed: vec![timer(root)],
            ..sends(engine, caused(root, 0, "b", "elsewhere"))
        })
    });
    world.end(START, done);
    world.engine.tick(DUE);
    world.end(DUE, done);
    let all = Filter {
        key: None,
        topic: None,
        correlation: None,
        from: Millis(0),
        to: Millis::MAX,
    };
    let stored = |found: &[Found]| -> Vec<_> {
        found
            .iter()
            .map(|it| (it.as_what, it.message.topic.to_string()))
            .collect()
    };
    let of_key = Filter {
        key: Some("k".into()),
        ..all.clone()
    };
    let timer = [
        (Stored::Delayed, "b".to_owned()),
        (Stored::Due, "b".to_owned()),
    ];
    let first = (Stored::Sent, "a".to_owned());
    let found = world.find(of_key.clone());
    assert_eq!(stored(&found), [&[first][..], &timer].concat());
    assert!(found.is_sorted_by_key(|it| it.place));
    assert_eq!(found[0].place.to_string().parse(), Ok(found[0].place));
    let of_both = Filter {
        topic: Some("b".into()),
        ..of_key
    };
    assert_eq!(stored(&world.find(of_both)), timer);
    let of_flow = Filter {
        correlation: Some(root),
        ..all.clone()
    };
    assert_eq!(world.find(of_flow).len(), 4);
    let of_none = Filter {
        correlation: Some(MessageId(7)),
        ..all
    };
    assert_eq!(world.find(of_none), []);
}
