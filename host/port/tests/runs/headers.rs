//! Headers of the host's own: no handler sets one.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use wasmill_model::routes::Subscription;
use wasmill_model::{Name, When};
use wasmill_port::CallError;
use wasmill_port::call::{Alarm, Outgoing};

use super::{context, delivery, run};

#[test]
fn a_handler_cannot_choose_a_version_for_what_it_sends_or_sets() {
    let sub = Subscription::new("s", "a", "plugin");
    let context = context(sub, &Arc::default(), &Arc::default());
    let mut run = run(context, vec![delivery(Some("k"))], Duration::MAX);
    let mut call = run.begin().expect("a call");
    let forged: Vec<(Name, Name)> = vec![("\0version".into(), "v1".into())];
    let sent = call.send(Outgoing {
        topic: "a".into(),
        key: None,
        tag: None,
        headers: forged.clone(),
        body: Bytes::new(),
        when: When::Now,
    });
    let set = call.set_timer(
        "t",
        When::Now,
        Alarm {
            topic: "a".into(),
            tag: None,
            headers: forged,
            body: Bytes::new(),
        },
    );
    for refused in [sent.map(drop), set] {
        let Err(CallError::Invalid(why)) = refused else {
            panic!("it was taken: {refused:?}");
        };
        assert!(why.contains("must not begin with a NUL"), "{why}");
    }
}

#[test]
fn a_run_tells_the_version_that_its_next_message_was_chosen_for() {
    let sub = Subscription::new("s", "a", "plugin");
    let context = context(sub, &Arc::default(), &Arc::default());
    let version = Name::from("v1");
    let plain = delivery(None);
    let mut chosen = plain.clone();
    chosen.message = plain.message.chosen_for(Some(&version));
    let run_of = |delivery| run(context.clone(), vec![delivery], Duration::MAX);
    assert_eq!(run_of(plain).chosen_version(), None);
    assert_eq!(run_of(chosen).chosen_version(), Some(&version));
}
