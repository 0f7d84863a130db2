//! What is taken in, under which id, and for whom.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use wasmill_engine::{Config, Incoming, ProducerId, Refused, claims};
use wasmill_model::effects::Effects;
use wasmill_model::routes::{Order, Routes, Subscription, TopicPattern};
use wasmill_model::{Millis, When};

use super::{START, engine, message, pending, runs, sub};

#[test]
fn a_producers_id_is_accepted_once_and_refused_with_another_content() {
    let mut engine = engine(vec![sub("s", "a")]);
    let with_id = |body| Incoming {
        producer_id: Some(ProducerId {
            id: "id".to_owned(),
            window: Duration::from_secs(1),
            claimed: None,
        }),
        ..message("a", "k", body)
    };
    let first = engine.accept(with_id(b"one"), START).expect("accepted");
    let again = engine
        .accept(with_id(b"one"), START)
        .expect("accepted before");
    assert!(!first.duplicate && again.duplicate);
    assert_eq!(first.message, again.message);
    assert_eq!(
        engine.accept(with_id(b"two"), START),
        Err(Refused::Conflict("id".to_owned()))
    );
    assert_eq!(pending(&engine), 1);
    let later = engine
        .accept(with_id(b"two"), Millis(START.0 + 1_000))
        .expect("forgotten");
    assert!(!later.duplicate);
}

#[test]
fn a_producers_id_is_known_while_its_claim_is_on_its_way_to_the_view_and_after() {
    let mut engine = engine(vec![sub("s", "a")]);
    let incoming = |claimed| Incoming {
        producer_id: Some(ProducerId {
            id: "id".to_owned(),
            window: Duration::from_secs(1),
            claimed,
        }),
        ..message("a", "k", b"")
    };
    let (_, place) = incoming(None)
        .claim_place(engine.partitioner())
        .expect("an id");
    assert!(!engine.accept(incoming(None), START).unwrap().duplicate);
    engine.seal();
    let checkpoint = engine.begin_checkpoint(Config::default().partitions);
    assert!(engine.accept(incoming(None), START).unwrap().duplicate);
    engine.end_checkpoint();

    let written = checkpoint.blind.iter().find(|write| write.key == place);
    let value = written.and_then(|it| it.value.clone()).expect("the claim");
    let claimed = claims::read(&value).unwrap();
    assert!(
        engine
            .accept(incoming(Some(claimed)), START)
            .unwrap()
            .duplicate
    );
    let entry = || [(place.as_slice(), &value[..])];
    assert_eq!(claims::sweep(entry(), START), Ok(Vec::new()));

    // Its time is over, swept or not.
    let later = Millis(START.0 + 1_000);
    assert_eq!(claims::sweep(entry(), later).map(|it| it.len()), Ok(1));
    let again = engine.accept(incoming(Some(claimed)), later).unwrap();
    assert!(!again.duplicate);
    assert!(
        engine
            .accept(incoming(Some(claimed)), later)
            .unwrap()
            .duplicate
    );
}

#[test]
fn messages_without_a_subscription_are_accepted_and_unknown_topics_are_not() {
    let mut engine = engine(vec![sub("s", "a")]);
    engine
        .accept(message("b", "k", b""), START)
        .expect("declared");
    assert_eq!(pending(&engine), 0);
    let refused = engine.accept(message("c", "k", b""), START);
    assert_eq!(refused, Err(Refused::UnknownTopic("c".into())));
}

#[test]
fn ids_of_accepted_messages_are_unique_over_keys_and_partitions() {
    let mut engine = engine(vec![sub("s", "a")]);
    let mut ids = HashSet::new();
    for index in 0..1_000 {
        let key = format!("key-{}", index % 100);
        let accepted = engine
            .accept(message("a", &key, b""), START)
            .expect("accepted");
        assert!(ids.insert(accepted.message));
    }
}

#[test]
fn messages_that_only_leave_for_other_partitions_have_ids_of_their_own() {
    let global = Subscription {
        order: Order::Global,
        ..sub("global", "a")
    };
    let mut engine = engine(vec![global]);
    let mut ids = HashSet::new();
    for _ in 0..100 {
        let accepted = engine
            .accept(message("a", "k", b""), START)
            .expect("accepted");
        assert!(ids.insert(accepted.message));
    }
}

#[test]
fn an_unkeyed_message_meets_its_producers_claim() {
    let mut engine = engine(vec![sub("s", "a")]);
    let unkeyed = || Incoming {
        key: None,
        producer_id: Some(ProducerId {
            id: "id".to_owned(),
            window: Duration::from_secs(1),
            claimed: None,
        }),
        ..message("a", "", b"")
    };
    assert!(!engine.accept(unkeyed(), START).expect("accepted").duplicate);
    assert!(engine.accept(unkeyed(), START).expect("known").duplicate);
    let empty = engine.accept(message("a", "", b""), START);
    assert_eq!(empty, Err(Refused::EmptyKey));
}

#[test]
fn a_subscription_taken_out_of_the_routes_keeps_its_messages_and_holds_nobody_up() {
    let all = vec![sub("gone", "a"), sub("stays", "b")];
    let mut engine = engine(all.clone());
    engine
        .accept(message("a", "k", b""), START)
        .expect("accepted");
    engine
        .accept(message("a", "k", b""), START)
        .expect("accepted");
    let run = runs(&mut engine).pop().expect("a run");
    let routes = |subs| Arc::new(Routes::new(vec![TopicPattern::new("*")], subs));
    engine
        .set_routes(&routes(vec![all[1].clone()]), START)
        .expect("fits");
    let one = vec![Ok(Effects::default())];
    engine.complete(&run.ticket, one, START);
    assert!(runs(&mut engine).is_empty(), "nobody handles what is left");
    assert_eq!(pending(&engine), 1);

    engine
        .accept(message("b", "k", b""), START)
        .expect("accepted");
    let run = runs(&mut engine).pop().expect("the other subscription's");
    assert_eq!(run.subscription, "stays");
    engine.complete(&run.ticket, vec![Ok(Effects::default())], START);

    let moved = Subscription {
        plugin: "other".into(),
        ..all[0].clone()
    };
    assert!(engine.set_routes(&routes(vec![moved]), START).is_err());
    engine.set_routes(&routes(all), START).expect("as before");
    let run = runs(&mut engine).pop().expect("the message that was kept");
    assert_eq!(run.messages.len(), 1);
}

#[test]
fn a_message_for_later_is_delivered_once_at_its_time_and_not_before() {
    let mut engine = engine(vec![sub("s", "a")]);
    let later = |deliver| Incoming {
        deliver,
        producer_id: Some(ProducerId {
            id: format!("{deliver:?}"),
            window: Duration::from_secs(60),
            claimed: None,
        }),
        ..message("a", "k", b"")
    };
    let due = START + Duration::from_millis(1_500);
    for deliver in [When::After(1_500), When::At(due)] {
        let first = engine.accept(later(deliver), START).unwrap();
        let again = engine.accept(later(deliver), START).unwrap();
        assert!(!first.duplicate && again.duplicate);
    }
    engine.tick(Millis(due.0 - 1));
    assert!(runs(&mut engine).is_empty());
    engine.tick(due);
    let run = runs(&mut engine).pop().expect("both, in a run");
    assert_eq!(run.messages.len(), 2);
    assert!(run.messages.iter().all(|it| it.message.produced_at == due));
    // What is past is due now.
    engine.accept(later(When::At(START)), due).unwrap();
    assert_eq!(pending(&engine), 3);
}
