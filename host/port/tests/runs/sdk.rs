//! The Rust SDK's host in memory, held to this one: whatever handlers do, both say the same.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use wasmill_model::effects::{Failure, FailureKind};
use wasmill_model::limits::Exceeded;
use wasmill_model::routes::Subscription;
use wasmill_model::{MessageId, Millis, When, limits};
use wasmill_port::call::{Alarm, Outgoing};
use wasmill_port::{Call, CallError};
use wasmill_sdk::testing::TestHost;
use wasmill_sdk::{Delivery, Error, Host, reject};

use super::{State, Time, context, delivery, run};

/// A time that nothing reaches.
const FAR: u64 = 1 << 40;

/// Something that a handler does.
#[derive(Clone, Debug)]
enum Step {
    Get(&'static str),
    Put(&'static str, usize),
    Delete(&'static str),
    Scan(&'static str, Option<&'static str>, u32),
    Send(Message),
    /// As many messages as one call may send.
    Flood,
    /// One of those sent so far, or an id of nothing.
    Recall(usize),
    SetTimer(&'static str, &'static str, u64),
    CancelTimer(&'static str),
    RescheduleTimer(&'static str),
    Claim(&'static str, u64),
}

#[derive(Clone, Debug)]
struct Message {
    topic: &'static str,
    key: Option<&'static str>,
    tag_bytes: usize,
    header_bytes: usize,
    body_bytes: usize,
    delayed: bool,
}

/// A handler's call: how much later than the last one, whether the message has a key, what it does,
/// and whether it succeeds.
type Handled = (u64, bool, Vec<Step>, bool);

/// What both hosts say of a step.
type Said = Result<String, String>;

fn name() -> impl Strategy<Value = &'static str> {
    let long: &'static str = Box::leak("x".repeat(limits::STATE_NAME_BYTES_MAX + 1).into());
    prop_oneof![
        12 => prop::sample::select(vec!["a", "ab", "b", &long[1..]]),
        1 => prop::sample::select(vec!["", "a\0b", long]),
    ]
}

/// A size within a bound, or one beyond it.
fn size(max: usize) -> impl Strategy<Value = usize> {
    prop_oneof![20 => 0..9_usize, 1 => Just(max), 1 => Just(max + 1)]
}

fn message() -> impl Strategy<Value = Message> {
    (
        prop_oneof![9 => Just("a"), 1 => Just("unknown")],
        prop_oneof![8 => Just(Some("k")), 1 => Just(None), 1 => Just(Some(""))],
        size(limits::TAG_BYTES_MAX),
        size(limits::HEADERS_BYTES_MAX),
        size(limits::BODY_BYTES_MAX),
        any::<bool>(),
    )
        .prop_map(
            |(topic, key, tag_bytes, header_bytes, body_bytes, delayed)| Message {
                topic,
                key,
                tag_bytes,
                header_bytes,
                body_bytes,
                delayed,
            },
        )
}

fn step() -> impl Strategy<Value = Step> {
    let after = prop::option::of(name());
    prop_oneof![
        8 => name().prop_map(Step::Get),
        8 => (name(), size(limits::STATE_VALUE_BYTES_MAX)).prop_map(|(it, n)| Step::Put(it, n)),
        4 => name().prop_map(Step::Delete),
        4 => (prop::sample::select(vec!["", "a", "x"]), after, 0..4_u32)
            .prop_map(|(prefix, after, limit)| Step::Scan(prefix, after, limit)),
        8 => message().prop_map(Step::Send),
        1 => Just(Step::Flood),
        4 => (0..4_usize).prop_map(Step::Recall),
        4 => (name(), prop_oneof![9 => Just("a"), 1 => Just("unknown")], 0..FAR)
            .prop_map(|(name, topic, at)| Step::SetTimer(name, topic, at)),
        4 => name().prop_map(Step::CancelTimer),
        4 => name().prop_map(Step::RescheduleTimer),
        8 => (name(), 0..100_u64).prop_map(|(id, ttl)| Step::Claim(id, ttl)),
    ]
}

fn handled() -> impl Strategy<Value = Vec<Handled>> {
    let call = (
        0..100_u64,
        prop::bool::weighted(0.9),
        prop::collection::vec(step(), 1..12),
        prop::bool::weighted(0.7),
    );
    prop::collection::vec(call, 1..8)
}

/// Ids of the messages sent so far, those of calls that failed among them.
#[derive(Default)]
struct Ids(Vec<String>);

impl Ids {
    fn nth(&self, nth: usize) -> String {
        let unknown = "f".repeat(32);
        self.0.get(nth).cloned().unwrap_or(unknown)
    }
}

fn here(call: &mut Call, ids: &mut Ids, step: &Step) -> Said {
    let said = match step.clone() {
        Step::Get(name) => call.get(name).map(|it| format!("{it:?}")),
        Step::Put(name, bytes) => {
            let value = Bytes::from(vec![0; bytes]);
            call.put(name, Some(value)).map(|()| String::new())
        }
        Step::Delete(name) => call.put(name, None).map(|()| String::new()),
        Step::Scan(prefix, after, limit) => {
            let found = call.scan(prefix, after, limit);
            let sizes = found.map(|it| {
                it.into_iter()
                    .map(|(name, it)| (name.to_string(), it.len()))
            });
            sizes.map(|it| format!("{:?}", it.collect::<Vec<_>>()))
        }
        Step::Send(message) => call.send(outgoing(&message)).map(|id| {
            ids.0.push(id.to_string());
            String::new()
        }),
        Step::Flood => {
            let message = Outgoing {
                topic: "a".into(),
                key: None,
                tag: None,
                headers: Vec::new(),
                body: Bytes::new(),
                when: When::Now,
            };
            let mut sent = (0..1_000).map(|_| call.send(message.clone()));
            sent.find_map(Result::err).map_or(Ok(String::new()), Err)
        }
        Step::Recall(nth) => call
            .recall(ids.nth(nth).parse().expect("an id"))
            .map(|it| it.to_string()),
        Step::SetTimer(name, topic, at) => {
            let alarm = Alarm {
                topic: topic.into(),
                tag: None,
                headers: Vec::new(),
                body: Bytes::new(),
            };
            let set = call.set_timer(name, When::At(Millis(at)), alarm);
            set.map(|()| String::new())
        }
        Step::CancelTimer(name) => call.cancel_timer(name).map(|it| it.to_string()),
        Step::RescheduleTimer(name) => call
            .reschedule_timer(name, When::After(FAR))
            .map(|it| it.to_string()),
        Step::Claim(id, ttl) => call.claim(id, ttl).map(|it| it.to_string()),
    };
    said.map_err(|error| format!("{:?}", of_sdk(error)))
}

fn there(host: &mut TestHost, ids: &mut Ids, step: &Step) -> Said {
    let said = match step.clone() {
        Step::Get(name) => host
            .get(name)
            .map(|it| format!("{:?}", it.map(Bytes::from))),
        Step::Put(name, bytes) => host.put(name, &vec![0; bytes]).map(|()| String::new()),
        Step::Delete(name) => host.delete(name).map(|()| String::new()),
        Step::Scan(prefix, after, limit) => {
            let found = host.scan(prefix, after, limit);
            let sizes = found.map(|it| it.into_iter().map(|(name, it)| (name, it.len())));
            sizes.map(|it| format!("{:?}", it.collect::<Vec<_>>()))
        }
        Step::Send(message) => host.send_message(sdk_outgoing(&message)).map(|id| {
            ids.0.push(id);
            String::new()
        }),
        Step::Flood => {
            let message = wasmill_sdk::Outgoing::new("a", "");
            let mut sent = (0..1_000).map(|_| host.send_message(message.clone()));
            sent.find_map(Result::err).map_or(Ok(String::new()), Err)
        }
        Step::Recall(nth) => host.recall(&ids.nth(nth)).map(|it| it.to_string()),
        Step::SetTimer(name, topic, at) => {
            let set = host.set_timer(name, Delivery::At(at), topic);
            set.map(|()| String::new())
        }
        Step::CancelTimer(name) => host.cancel_timer(name).map(|it| it.to_string()),
        Step::RescheduleTimer(name) => host
            .reschedule_timer(name, Delivery::After(FAR))
            .map(|it| it.to_string()),
        Step::Claim(id, ttl) => {
            let claimed = host.claim(id, Duration::from_millis(ttl));
            claimed.map(|it| it.to_string())
        }
    };
    said.map_err(|error| format!("{error:?}"))
}

fn outgoing(message: &Message) -> Outgoing {
    let headers = message.header_bytes.checked_sub(1);
    Outgoing {
        topic: message.topic.into(),
        key: message.key.map(Into::into),
        tag: Some("t".repeat(message.tag_bytes).into()),
        headers: headers
            .map(|bytes| ("h".into(), "v".repeat(bytes).into()))
            .into_iter()
            .collect(),
        body: vec![0; message.body_bytes].into(),
        when: if message.delayed {
            When::After(FAR)
        } else {
            When::Now
        },
    }
}

fn sdk_outgoing(message: &Message) -> wasmill_sdk::Outgoing {
    let mut outgoing = wasmill_sdk::Outgoing::new(message.topic, vec![0; message.body_bytes])
        .with_tag("t".repeat(message.tag_bytes));
    outgoing.key = message.key.map(str::to_owned);
    if let Some(bytes) = message.header_bytes.checked_sub(1) {
        outgoing = outgoing.with_header("h", "v".repeat(bytes));
    }
    if message.delayed {
        outgoing = outgoing.when(Delivery::After(FAR));
    }
    outgoing
}

fn of_sdk(error: CallError) -> Error {
    match error {
        CallError::NoKey => Error::NoKey,
        CallError::Limit(Exceeded {
            what,
            limit,
            actual,
            ..
        }) => Error::Limit {
            what: what.to_owned(),
            limit,
            actual,
        },
        CallError::UnknownTopic(topic) => Error::UnknownTopic(topic),
        CallError::Invalid(why) => Error::Invalid(why),
        CallError::Unavailable(why) => Error::Unavailable(why),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_sdk_s_host_says_what_the_real_one_says(calls in handled()) {
        let (state, clock) = (Arc::new(State::default()), Arc::new(Time::default()));
        let mut host = TestHost::new().with_topics(["a"]);
        host.set_now(0);
        let mut messages = 0;
        let (mut ids, mut sdk_ids) = (Ids::default(), Ids::default());
        for (pause, keyed, steps, succeeds) in calls {
            clock.0.fetch_add(pause, Ordering::Relaxed);
            host.advance(Duration::from_millis(pause));
            let key = keyed.then_some("k");

            let context = context(Subscription::new("s", "a", "plugin"), &state, &clock);
            let mut delivery = delivery(key);
            messages += 1;
            Arc::make_mut(&mut delivery.message).id = MessageId(messages);
            let mut run = run(context, vec![delivery], Duration::MAX);
            let mut call = run.begin().expect("a call");
            let said: Vec<_> = steps.iter().map(|it| here(&mut call, &mut ids, it)).collect();
            let failure = Failure { kind: FailureKind::Reject, cause: String::new() };
            run.end(call, if succeeds { Ok(()) } else { Err(failure) }, None);
            state.commit(&run.into_outcomes());

            let mut sdk_said = Vec::new();
            let handle = |host: &mut TestHost, _: &wasmill_sdk::Message| {
                sdk_said = steps.iter().map(|it| there(host, &mut sdk_ids, it)).collect();
                if succeeds { Ok(()) } else { Err(reject("")) }
            };
            let handled = host.deliver(handle, "a", key, "");
            prop_assert_eq!(handled.is_ok(), succeeds);
            prop_assert_eq!(said, sdk_said, "{:?}", steps);
        }
    }
}
