//! What a topic's retention hides from a move.

use std::time::Duration;

use wasmill_engine::Replayed;
use wasmill_model::Millis;
use wasmill_model::routes::{Routes, Topic, TopicPattern};

use super::World;
use crate::{START, sub};

fn at(seconds: u64) -> Millis {
    START + Duration::from_secs(seconds)
}

/// Messages that are sent after 0, 10 and 20 seconds, and those of them that a move delivers anew
/// which begins at some time, from a topic that keeps them for five seconds.
fn replayed(begun: Millis) -> Vec<Millis> {
    let mut world = World::new(vec![sub("s", "a")]);
    [0, 10, 20]
        .into_iter()
        .for_each(|second| world.send(at(second)));
    let kept = Topic {
        retention: Some(Duration::from_secs(5)),
        ..TopicPattern::new("a").into()
    };
    let routes = Routes::new([kept], vec![sub("s", "a")]);
    let replayed = Replayed {
        routes: &routes,
        subscription: routes.subscription("s").expect("it is there"),
        from: START,
        begun,
    };
    let blocks = world.blocks.iter();
    let messages = blocks.flat_map(|it| replayed.of_block(it, None).expect("a block"));
    messages.map(|it| it.produced_at).collect()
}

#[test]
fn a_move_leaves_out_what_its_topic_kept_no_longer_when_it_began() {
    assert_eq!(replayed(at(15)), [at(10), at(20)]);
    assert_eq!(replayed(at(16)), [at(20)]);
    assert_eq!(replayed(at(26)), []);
}

#[test]
fn what_is_sent_while_a_move_is_under_way_is_delivered_however_long_that_takes() {
    assert_eq!(replayed(at(0)), [0, 10, 20].map(at));
    // A block that was sealed just when the move began may have what waits for the move.
    assert_eq!(replayed(at(20)), [at(20)]);
}
