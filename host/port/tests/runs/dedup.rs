//! Subscriptions that tell duplicates by themselves, held to a map of ids and times.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use proptest::prelude::*;
use wasmill_model::effects::{Failure, FailureKind, Outcome, Uniqueness};
use wasmill_model::routes::{DedupPolicy, KeySource, Subscription};
use wasmill_port::{Delivery, RunContext};

use super::{State, Time, run};

const WINDOW_MS: u64 = 1_000;

/// A message: its id, if it has one, and whether its handler succeeds.
#[derive(Clone, Debug)]
struct Step {
    id: Option<u8>,
    succeeds: bool,
    timer: bool,
}

fn step() -> impl Strategy<Value = Step> {
    let id = prop::option::weighted(0.9, 0_u8..4);
    let luck = (any::<bool>(), prop::bool::weighted(0.1));
    (id, luck).prop_map(|(id, (succeeds, timer))| Step {
        id,
        succeeds,
        timer,
    })
}

/// Messages of one run, how long it comes after the last one, and whether it is lost in a crash.
fn runs() -> impl Strategy<Value = Vec<(Vec<Step>, u64, bool)>> {
    let run = (
        prop::collection::vec(step(), 1..6),
        0..WINDOW_MS,
        prop::bool::weighted(0.2),
    );
    prop::collection::vec(run, 1..30)
}

fn context(state: &Arc<State>, clock: &Arc<Time>) -> RunContext {
    let dedup = DedupPolicy {
        id: KeySource::Header("id".into()),
        window: Duration::from_millis(WINDOW_MS),
    };
    let sub = Subscription {
        dedup: Some(dedup),
        ..Subscription::new("s", "a", "plugin")
    };
    super::context(sub, state, clock)
}

fn delivery(step: &Step, key: Option<&str>) -> Delivery {
    let id = step.id.map(|id| ("id".into(), id.to_string().into()));
    let mut delivery = super::delivery(key);
    let message = Arc::make_mut(&mut delivery.message);
    message.headers = id.into_iter().collect();
    message.timer = step.timer.then(|| "due".into());
    delivery
}

/// Runs the steps; returns the outcomes, and which messages reached the handler.
fn handle(context: RunContext, steps: &[Step], key: Option<&str>) -> (Vec<Outcome>, Vec<usize>) {
    let deliveries = steps.iter().map(|step| delivery(step, key)).collect();
    let mut run = run(context, deliveries, Duration::MAX);
    let (mut called, mut left) = (Vec::new(), steps.iter().enumerate());
    while let Some(mut call) = run.begin() {
        // The call's message is the next one that has the same id.
        let id = call.delivery().message.header("id").map(str::to_owned);
        let of_call =
            |(_, step): &(usize, &Step)| !step.timer && step.id.map(|it| it.to_string()) == id;
        let (nth, step) = left.find(of_call).expect("a message");
        called.push(nth);
        if key.is_some() {
            let own = step.id.map_or("none".to_owned(), |id| id.to_string());
            // The plugin's own claims are apart from those of the subscription.
            call.claim(&own, 0).expect("a claim");
            assert!(call.claim(&format!("s/{own}"), 0).expect("a claim"));
        }
        let failure = Failure {
            kind: FailureKind::Retry,
            cause: "on purpose".to_owned(),
        };
        let result = if step.succeeds { Ok(()) } else { Err(failure) };
        if !run.end(call, result, None) {
            break;
        }
    }
    (run.into_outcomes(), called)
}

proptest! {
    #[test]
    fn an_id_is_handled_once_in_its_window_whatever_fails_or_is_lost(runs in runs()) {
        let (state, clock) = (Arc::new(State::default()), Arc::new(Time::default()));
        let mut model: BTreeMap<u8, u64> = BTreeMap::new();
        for (steps, pause, lost) in runs {
            let now = clock.0.fetch_add(pause, Ordering::Relaxed) + pause;
            let (outcomes, called) = handle(context(&state, &clock), &steps, Some("k"));
            let before = model.clone();
            let (mut expected, mut handled) = (Vec::new(), Vec::new());
            for (nth, step) in steps.iter().enumerate() {
                // A timer that is not pending is settled without a word, and no duplicate.
                let uniqueness = match step.id {
                    _ if step.timer => Uniqueness::Unasked,
                    None => Uniqueness::Unidentified,
                    Some(id) if model.get(&id).is_some_and(|until| *until > now) => {
                        Uniqueness::Duplicate
                    }
                    Some(_) => Uniqueness::First,
                };
                let is_called = !step.timer && uniqueness != Uniqueness::Duplicate;
                expected.push(uniqueness);
                if !is_called {
                    continue;
                }
                handled.push(nth);
                if !step.succeeds {
                    break;
                }
                if let Some(id) = step.id {
                    model.insert(id, now + WINDOW_MS);
                }
            }
            let told: Vec<_> = outcomes.iter().map(|it| it.uniqueness).collect();
            prop_assert_eq!((told, called), (expected, handled));
            match lost {
                true => model = before,
                false => state.commit(&outcomes),
            }
        }
    }
}

#[test]
fn a_message_without_a_key_is_handled_and_said_to_be_unidentified() {
    let (state, clock) = (Arc::new(State::default()), Arc::new(Time::default()));
    let step = Step {
        id: Some(1),
        succeeds: true,
        timer: false,
    };
    let (outcomes, called) = handle(context(&state, &clock), &[step.clone(), step], None);
    let told: Vec<_> = outcomes.iter().map(|it| it.uniqueness).collect();
    assert_eq!(
        (told, called),
        (vec![Uniqueness::Unidentified; 2], vec![0, 1])
    );
}

#[test]
fn a_timer_that_was_redriven_is_handled_and_is_no_duplicate_and_makes_none() {
    let (state, clock) = (Arc::new(State::default()), Arc::new(Time::default()));
    let step = Step {
        id: Some(1),
        succeeds: true,
        timer: false,
    };
    let mut timer = delivery(&step, Some("k"));
    Arc::make_mut(&mut timer.message).timer = Some("".into());
    let deliveries = vec![timer.clone(), delivery(&step, Some("k")), timer];
    let mut run = run(context(&state, &clock), deliveries, Duration::MAX);
    let mut called = 0;
    while let Some(call) = run.begin() {
        called += 1;
        run.end(call, Ok(()), None);
    }
    assert_eq!(called, 3);
    let outcomes = run.into_outcomes();
    let told: Vec<_> = outcomes.iter().map(|it| it.uniqueness).collect();
    let unasked = Uniqueness::Unasked;
    assert_eq!(told, [unasked, Uniqueness::First, unasked]);
}

#[test]
fn a_run_of_duplicates_hands_the_rest_back_when_its_time_is_up() {
    let (state, clock) = (Arc::new(State::default()), Arc::new(Time::default()));
    let step = Step {
        id: Some(1),
        succeeds: true,
        timer: false,
    };
    let deliveries = vec![delivery(&step, Some("k")); 5];
    let mut run = run(context(&state, &clock), deliveries, Duration::ZERO);
    let call = run.begin().expect("the first");
    run.end(call, Ok(()), None);
    assert!(run.begin().is_none(), "one duplicate is its time");
    assert_eq!(run.into_outcomes().len(), 2);
}
