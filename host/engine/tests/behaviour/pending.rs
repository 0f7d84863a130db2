//! Who is not done with a message, as its story tells.

use wasmill_engine::codec;
use wasmill_engine::dead_letters::Redrive;
use wasmill_engine::story::{Teller, Wanted};
use wasmill_model::MessageId;

use super::*;

/// Room for the story of a test.
const BYTES: usize = 1 << 20;

/// An engine whose subscriptions `first` and `second` get the same messages, and its log. The
/// plugin of `second` is out of service.
struct World {
    engine: Engine,
    log: Vec<Vec<u8>>,
}

impl World {
    fn new() -> Self {
        let second = Subscription {
            plugin: "absent".into(),
            ..sub("second", "a")
        };
        Self {
            engine: engine(vec![sub("first", "a"), second]),
            log: Vec::new(),
        }
    }

    /// Ends the one run there is, at its first message.
    fn end(&mut self, of: &str, result: Result<Effects, Failure>, now: Millis) {
        self.engine.tick(now);
        let run = runs(&mut self.engine).pop().expect("a run");
        assert_eq!(run.subscription, of);
        self.engine.complete(&run.ticket, vec![result], now);
    }

    /// Which subscriptions the story names, and their failed attempts.
    fn pending(&mut self, id: MessageId) -> Vec<(String, u32)> {
        self.log.extend(self.engine.seal().1);
        let mut teller = Teller::new(Wanted::Message(id), |_| true, BYTES);
        for block in &self.log {
            let at = codec::header(block).expect("a block").at;
            for record in codec::records(block).expect("a block") {
                teller.read(at, &record);
            }
        }
        let told = teller.finish();
        let [(0, story)] = &told[..] else {
            panic!("{told:?}")
        };
        let shown =
            |it: &wasmill_engine::story::Pending| (it.subscription.to_string(), it.attempts);
        story.pending.iter().map(shown).collect()
    }
}

/// Two copies of a message for `second`, the later one redriven from the dead letters of `first`.
fn redriven() -> (World, MessageId) {
    let mut world = World::new();
    let accepted = world.engine.accept(message("a", "k", b"body"), START);
    let id = accepted.expect("accepted").message;
    world.end("first", failure(FailureKind::Reject), START);
    let partition = world.engine.partitioner().of("k");
    let found = world
        .engine
        .recent_dead_letters(partition, None, None)
        .pop();
    let letter = found.and_then(|(_, letter)| letter).expect("a dead letter");
    world
        .engine
        .redrive(
            partition,
            &letter,
            &Redrive::to(Some(&"second".into())),
            START,
        )
        .expect("redriven");
    world.engine.set_serving(&"absent".into(), true);
    assert_eq!(world.pending(id), [("second".to_owned(), 0)]);
    (world, id)
}

#[test]
fn a_subscription_that_has_a_message_twice_is_done_with_it_after_both() {
    let (mut world, id) = redriven();
    world.end("second", Ok(Effects::default()), START);
    assert_eq!(world.pending(id), [("second".to_owned(), 0)]);
    let later = Millis(2_000);
    world.end("second", failure(FailureKind::Retry), START);
    assert_eq!(world.pending(id), [("second".to_owned(), 1)]);
    world.end("second", Ok(Effects::default()), later);
    assert_eq!(world.pending(id), []);
    assert_eq!(pending(&world.engine), 0);
}

#[test]
fn the_attempts_of_a_subscription_that_has_a_message_twice_are_those_of_the_one_that_failed() {
    let (mut world, id) = redriven();
    world.end("second", failure(FailureKind::Retry), START);
    assert_eq!(world.pending(id), [("second".to_owned(), 1)]);
}
