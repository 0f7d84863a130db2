//! Timers that handlers set.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use wasmill_model::When;
use wasmill_model::filter::{Condition, Filter};
use wasmill_model::routes::Subscription;
use wasmill_port::CallError;
use wasmill_port::call::Alarm;

use super::{context, delivery, run};

#[test]
fn a_timer_that_would_reach_nobody_is_refused() {
    let sub = Subscription {
        tags: vec!["late".into(), "soon".into()],
        // A timer passes it unasked.
        filter: Some(Filter::new("FALSE", Condition::Constant(false))),
        ..Subscription::new("s", "a", "plugin")
    };
    let context = context(sub, &Arc::default(), &Arc::default());
    let mut run = run(context, vec![delivery(Some("k"))], Duration::MAX);
    let mut call = run.begin().expect("a call");
    let mut set = |topic: &str, tag: Option<&str>| {
        let alarm = Alarm {
            topic: topic.into(),
            tag: tag.map(Into::into),
            headers: Vec::new(),
            body: Bytes::new(),
        };
        call.set_timer("t", When::Now, alarm)
    };
    assert_eq!(set("a", Some("late")), Ok(()));
    for (tag, named) in [
        (Some("never"), "with the tag `never`"),
        (None, "without a tag"),
    ] {
        let Err(CallError::Invalid(why)) = set("a", tag) else {
            panic!("{tag:?} is received by nobody");
        };
        assert!(why.contains(named), "{why}");
    }
    let unknown = CallError::UnknownTopic("b".to_owned());
    assert_eq!(set("b", Some("late")), Err(unknown));
}
