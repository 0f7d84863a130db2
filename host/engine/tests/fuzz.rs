//! Whatever bytes the log or the view give back, they are read or refused, and never a panic.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use wasmill_engine::codec::{self, BlockBuilder};
use wasmill_engine::{
    Action, Config, Engine, Incoming, ProducerId, Recovery, claims, dead_letters,
};
use wasmill_fuzz::Target;
use wasmill_model::effects::{Delayed, Effects, Failure, FailureKind, Scope};
use wasmill_model::routes::{RetrySchedule, Routes, Subscription, TopicPattern};
use wasmill_model::{Message, Millis, When};

const NOW: Millis = Millis(1_700_000_000_000);

#[test]
fn fuzzed_blocks_are_read_and_written_again_the_same_or_refused() {
    Target::new("blocks", &blocks()).run(|bytes| match codec::records(bytes) {
        Err(refused) => refused.to_string(),
        Ok(records) => {
            let header = codec::header(bytes).expect("it was read");
            let mut builder = BlockBuilder::new();
            records.iter().for_each(|record| builder.push(record));
            let again = builder.seal(header);
            assert_eq!(codec::header(&again), Ok(header));
            assert_eq!(codec::records(&again), Ok(records));
            "read".to_owned()
        }
    });
}

#[test]
fn fuzzed_values_of_the_view_are_read_or_refused() {
    let mut engine = worked();
    engine.seal();
    let writes = engine.begin_checkpoint(Config::default().partitions);
    let values = writes.blind.into_iter().chain(writes.atomic);
    let values = values.filter_map(|write| Some(write.value?.to_vec()));
    let values: Vec<_> = values.collect();
    Target::new("values", &values).run(|bytes| {
        let letter = dead_letters::read(bytes).map(|letter| letter.cause.len());
        let claim = claims::read(bytes).map(|claim| claim.expires);
        let delayed = codec::decode::<Delayed>(bytes).map(|delayed| delayed.due);
        format!("{} {} {}", letter.is_ok(), claim.is_ok(), delayed.is_ok())
    });
}

/// Blocks with all that an engine writes.
fn blocks() -> Vec<Vec<u8>> {
    let mut engine = worked();
    let (_, blocks) = engine.seal();
    let mut blocks: Vec<Vec<u8>> = blocks.into_iter().map(|block| block.to_vec()).collect();
    // A record each, so that mutations meet every kind of operation.
    for record in codec::records(&blocks[0]).expect("our own") {
        let mut builder = BlockBuilder::new();
        builder.push(&record);
        blocks.push(builder.seal(codec::header(&blocks[0]).expect("our own")));
    }
    blocks
}

/// An engine that took messages in, handled some, and gave others up.
fn worked() -> Engine {
    let sub = |name, topic| Subscription {
        retry: RetrySchedule::new(vec![Duration::from_millis(100)]),
        ..Subscription::new(name, topic, "plugin")
    };
    let topics = vec![TopicPattern::new("*")];
    let routes = Arc::new(Routes::new(topics, vec![sub("one", "a"), sub("two", "b")]));
    let recovery = Recovery::new(Config::default(), &routes, None).expect("nothing to recover");
    let mut engine = recovery.finish(NOW);
    engine.set_serving(&"plugin".into(), true);
    for (nth, deliver) in [When::Now, When::Now, When::After(5_000), When::Now]
        .iter()
        .enumerate()
    {
        let key = format!("key-{nth}");
        engine
            .accept(incoming(&key, *deliver), NOW)
            .expect("accepted");
    }
    let mut outcomes = [
        Ok(effects()),
        failure(FailureKind::Reject),
        failure(FailureKind::Retry),
    ]
    .into_iter();
    for action in engine.take_actions() {
        if let Action::Run(run) = action
            && let Some(outcome) = outcomes.next()
        {
            engine.complete(&run.ticket, vec![outcome], NOW);
        }
    }
    engine
}

fn incoming(key: &str, deliver: When) -> Incoming {
    Incoming {
        topic: "a".into(),
        key: Some(key.into()),
        tag: Some("tag".into()),
        headers: vec![("name".into(), "value".into())],
        body: Bytes::from_static(b"body"),
        producer_id: Some(ProducerId {
            id: key.to_owned(),
            window: Duration::from_secs(60),
            claimed: None,
        }),
        deliver,
        half: None,
        watch: false,
    }
}

/// State, and a timer.
fn effects() -> Effects {
    let scope = Scope {
        plugin: "plugin".into(),
        key: "key-0".into(),
    };
    let message = Message {
        id: wasmill_model::MessageId(7),
        topic: "b".into(),
        key: Some("key-0".into()),
        tag: None,
        headers: Vec::new(),
        body: Bytes::from_static(b"alarm"),
        produced_at: NOW,
        correlation: wasmill_model::MessageId(7),
        causation: Some(wasmill_model::MessageId(6)),
        timer: Some("timer".into()),
    };
    Effects {
        delayed: vec![Delayed {
            due: NOW + Duration::from_secs(3_600),
            message: Arc::new(message),
            scope: Some(scope),
        }],
        writes: vec![("name".into(), Some(Bytes::from_static(b"value")))],
        ..Effects::default()
    }
}

fn failure(kind: FailureKind) -> Result<Effects, Failure> {
    Err(Failure {
        kind,
        cause: "on purpose".to_owned(),
    })
}
