//! An engine with subscriptions that are moved, as a host drives it.

use std::collections::BTreeMap;

use wasmill_engine::{PageRef, Replayed};
use wasmill_model::Message;
use wasmill_model::effects::{Delayed, Scope};

use super::super::*;

/// An engine, its log and its view's pages.
pub(super) struct World {
    pub(super) engine: Engine,
    pub(super) routes: Arc<Routes>,
    pub(super) blocks: Vec<Vec<u8>>,
    pub(super) pages: Vec<(PageRef, Vec<u8>)>,
    pub(super) sent: u32,
}

impl World {
    pub(super) fn new(subscriptions: Vec<Subscription>) -> Self {
        let mut engine = engine(subscriptions);
        engine.meet(START);
        Self {
            routes: engine.routes().clone(),
            engine,
            blocks: Vec::new(),
            pages: Vec::new(),
            sent: 0,
        }
    }

    pub(super) fn serve(&mut self, serving: bool) {
        self.engine.set_serving(&"plugin".into(), serving);
    }

    /// Takes in the next message, for one of two keys.
    pub(super) fn send(&mut self, now: Millis) {
        let key = ["even", "odd"][self.sent as usize % 2];
        let body = Bytes::from(self.sent.to_string());
        let incoming = Incoming {
            body,
            ..message("a", key, b"")
        };
        self.engine.accept(incoming, now).unwrap();
        self.sent += 1;
        self.seal();
    }

    /// Takes in so many messages of the key `even`.
    pub(super) fn take_in(&mut self, count: u32, body: &'static [u8]) {
        for _ in 0..count {
            let incoming = message("a", "even", body);
            self.engine.accept(incoming, START).unwrap();
        }
    }

    /// A handler sets so many timers of the key `even`; then nobody serves.
    pub(super) fn set_timers(&mut self, count: u32, due: Millis) {
        self.take_in(1, b"0");
        let run = runs(&mut self.engine).pop().expect("a run");
        let set = &run.messages[0].message;
        let timer = |number: u32| Delayed {
            due,
            message: Arc::new(Message {
                timer: Some(format!("t-{number}").as_str().into()),
                id: set.id.sent("s", number),
                ..Message::clone(set)
            }),
            scope: Some(Scope {
                plugin: "plugin".into(),
                key: "even".into(),
            }),
        };
        let effects = Effects {
            delayed: (0..count).map(timer).collect(),
            ..Effects::default()
        };
        self.engine.complete(&run.ticket, vec![Ok(effects)], START);
        self.serve(false);
    }

    pub(super) fn seal(&mut self) {
        self.blocks.extend(self.engine.seal().1);
    }

    /// What is not in the log is lost, and so are the runs.
    pub(super) fn crash(&mut self) {
        self.seal();
        let mut recovery = Recovery::new(Config::default(), &self.routes, None).unwrap();
        for block in &self.blocks {
            recovery.replay(block).unwrap();
            let engine = recovery.engine();
            load(engine, &mut self.pages);
        }
        self.engine = recovery.finish(START);
    }

    /// Handles all that there is; returns the bodies by subscription and key, in their order.
    pub(super) fn handle_all(&mut self) -> BTreeMap<(Name, Name), Vec<u32>> {
        let mut seen: BTreeMap<_, Vec<u32>> = BTreeMap::new();
        loop {
            let runs = load(&mut self.engine, &mut self.pages);
            if runs.is_empty() {
                return seen;
            }
            for run in runs {
                let place = (run.subscription.clone(), key_of(&run));
                let bodies = run.messages.iter().map(|pending| {
                    let text = str::from_utf8(&pending.message.body).unwrap();
                    text.parse::<u32>().unwrap()
                });
                seen.entry(place).or_default().extend(bodies);
                let done = run
                    .messages
                    .iter()
                    .map(|_| Ok::<_, wasmill_model::Failure>(Effects::default()));
                self.engine
                    .complete(&run.ticket, done.collect::<Vec<_>>(), START);
            }
            self.seal();
        }
    }

    /// Takes one step of a move, as the host does, but by three blocks. False once it has arrived.
    pub(super) fn step(&mut self, name: &Name) -> bool {
        let position = self.engine.position(name).expect("it is known").clone();
        let Some(moving) = position.moving else {
            return false;
        };
        let replay = match moving.replay {
            Some(replay) if moving.dropped_before.is_empty() => replay,
            _ => {
                self.engine.drop_waiting(name, START);
                load(&mut self.engine, &mut self.pages);
                self.seal();
                return true;
            }
        };
        self.seal();
        let routes = self.routes.clone();
        let replayed = Replayed {
            routes: &routes,
            subscription: routes.subscription(name).unwrap(),
            from: replay.from,
            begun: position.since,
        };
        let read = |block: &Vec<u8>, until| replayed.of_block(block, until).unwrap();
        let next = usize::try_from(replay.next_block).unwrap();
        // More blocks at once than the one that comes of it: the end comes nearer.
        let end = next + 3;
        if end < self.blocks.len() {
            let piece = self.blocks[next..end].iter();
            let messages = piece.flat_map(|block| read(block, None)).collect();
            self.engine.replay(name, messages, end as u64, START);
            self.seal();
            return true;
        }
        let in_block = message("a", "odd", b"1000000");
        self.engine.accept(in_block, START).unwrap();
        let tail = self.engine.begin_tail(name).expect("it is moving");
        let in_tail = message("a", "odd", b"1000001");
        self.engine.accept(in_tail, START).unwrap();
        self.seal();
        let end = usize::try_from(tail.barrier).unwrap();
        let rest = self.blocks[next..end].iter();
        let messages = rest.flat_map(|block| read(block, Some(&tail.positions)));
        self.engine.end_move(name, messages.collect(), START);
        self.seal();
        true
    }
}

/// Takes all steps of a move.
pub(super) fn arrive(world: &mut World, name: &Name) {
    let steps = (0..1_000).take_while(|_| world.step(name)).count();
    assert!(steps < 1_000, "the move does not end");
}

/// Writes and loads pages; returns the runs.
pub(super) fn load(engine: &mut Engine, pages: &mut Vec<(PageRef, Vec<u8>)>) -> Vec<RunRequest> {
    let mut runs = Vec::new();
    loop {
        let actions = engine.take_actions();
        if actions.is_empty() {
            return runs;
        }
        for action in actions {
            match action {
                Action::Run(run) => runs.push(run),
                Action::WritePage(page, bytes) => pages.push((page, bytes)),
                Action::LoadPage(page) => {
                    let found = pages.iter().rev().find(|(it, _)| *it == page);
                    let bytes = found.expect("it was written").1.clone();
                    engine.page_loaded(&page, &bytes).unwrap();
                }
                _ => {}
            }
        }
    }
}
