//! Scripted plugins: who is first is decided by the test.

mod scripted;

use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use wasmill_model::{Millis, Name};
use wasmill_port::candidate::{CanaryPlan, Candidates, Ended, PROMOTED_MESSAGES_MIN, Plan};
use wasmill_port::plugins::{ActError, Action, Installed, Rejected};

use crate::plugins::Supervisor;
use scripted::{Event, Scripted};

const WINDOW: Duration = Duration::from_secs(600);

fn canary(promote: bool) -> Plan {
    Plan::Canary(CanaryPlan {
        promote,
        window: WINDOW,
        ..CanaryPlan::default()
    })
}

fn promoted(version: &str) -> Event {
    Event::Acted(Action::Promote {
        version: version.to_owned(),
    })
}

async fn install(
    supervisor: &Supervisor<Scripted, Scripted>,
    name: &Name,
    content: &str,
) -> Result<Installed, Rejected> {
    let prepared = supervisor.prepare(name, content.into(), None).await;
    let taken = supervisor.take(name, prepared, async { true }).await;
    taken.expect("it is still there")
}

#[tokio::test]
async fn a_canary_that_is_rolled_back_while_its_promotion_waits_is_not_promoted() {
    let plugins = Scripted::new(2);
    let supervisor = plugins.supervisor();
    let begun = supervisor.clone();
    let begun = begun.try_version("p".into(), "new".to_owned(), canary(false));
    begun.await.expect("it begins");

    let file = tokio::spawn({
        let supervisor = supervisor.clone();
        async move { install(&supervisor, &"p".into(), "good").await }
    });
    plugins.until(Event::Began("take")).await;
    let promotion = tokio::spawn(supervisor.clone().promote("p".into()));
    // On this one thread, what was spawned now waits for the turn that the file has.
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
    assert!(plugins.end_trial("p", Ended::RolledBack("it is worse".to_owned())));
    plugins.gate.add_permits(2);
    file.await.expect("no panic").expect("the file is good");
    let refused = promotion.await.expect("no panic").unwrap_err().to_string();
    assert!(
        refused.contains("no canary of it is under way"),
        "{refused}"
    );
    let acted = |event: &Event| matches!(event, Event::Acted(_));
    assert!(!plugins.events().iter().any(acted));
}

#[tokio::test]
async fn a_file_that_is_being_compiled_is_told_of_until_it_is_judged() {
    let plugins = Scripted::new(0);
    let supervisor = plugins.supervisor();
    let name = Name::from("fresh");
    let looked = async {
        plugins.until(Event::Began("prepare")).await;
        let [fresh, other] = &supervisor.statuses()[..] else {
            panic!("two plugins")
        };
        assert_eq!((&fresh.plugin, fresh.compiling), (&name, Some(Millis(0))));
        assert_eq!(other.compiling, None);
        let acted = supervisor.clone().act(name.clone(), Action::Disable).await;
        let refused = acted.expect_err("nothing is there yet").to_string();
        assert!(refused.contains("still being compiled"), "{refused}");
        plugins.gate.add_permits(1);
    };
    let (installed, ()) = tokio::join!(install(&supervisor, &name, "bad"), looked);
    installed.expect_err("it is not good");
    let status = supervisor.status(&name).expect("it was refused");
    assert!(status.compiling.is_none() && status.refused.is_some());
}

#[tokio::test]
async fn what_is_wished_while_a_file_is_compiled_is_done_at_once() {
    let plugins = Scripted::new(0);
    let supervisor = plugins.supervisor();
    let name = Name::from("p");
    let wished = async {
        plugins.until(Event::Began("prepare")).await;
        let wish = tokio::spawn(supervisor.clone().act(name.clone(), Action::Disable));
        plugins.until(Event::Began("act")).await;
        plugins.gate.add_permits(2);
        wish.await.expect("no panic").expect("it is done");
    };
    let (prepared, ()) = tokio::join!(supervisor.prepare(&name, b"good".into(), None), wished);
    prepared.expect("it is good");
}

#[tokio::test]
async fn a_file_that_goes_before_its_turn_comes_is_neither_taken_nor_refused() {
    let plugins = Scripted::new(2);
    let supervisor = plugins.supervisor();
    let name = Name::from("p");
    for file in ["good", "bad"] {
        let prepared = supervisor.prepare(&name, file.into(), None).await;
        let turn = supervisor.turns.take(&name).await;
        let is_there = AtomicBool::new(true);
        let still = async { is_there.load(Ordering::SeqCst) };
        let taken = supervisor.take(&name, prepared, still);
        let goes = async {
            is_there.store(false, Ordering::SeqCst);
            drop(turn);
        };
        // In this order: the file waits for its turn when it goes.
        assert!(tokio::join!(biased; taken, goes).0.is_none());
    }
    assert_eq!(
        plugins.events(),
        [Event::Began("prepare"), Event::Began("prepare")]
    );
}

#[tokio::test]
async fn a_file_waits_for_the_compiler_that_is_at_work_on_one_that_nobody_wants_any_more() {
    let plugins = Scripted::new(0);
    let supervisor = plugins.supervisor();
    let name = Name::from("p");
    let unwanted = supervisor.prepare(&name, b"good".into(), None);
    tokio::select! {
        _ = unwanted => panic!("nothing lets it go on"),
        () = plugins.until(Event::Began("prepare")) => {}
    }
    assert_eq!(supervisor.statuses()[0].compiling, None, "nobody waits");
    let mut wanted = Box::pin(supervisor.prepare(&name, b"good".into(), None));
    std::future::poll_fn(|context| {
        assert!(wanted.as_mut().poll(context).is_pending());
        Poll::Ready(())
    })
    .await;
    // On this one thread, whatever was spawned begins now.
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
    assert_eq!(plugins.events(), [Event::Began("prepare")], "one at a time");
    plugins.gate.add_permits(2);
    wanted.await.expect("it is good");
}

/// As hyper drops a request's future when its client goes away.
#[tokio::test]
async fn a_wish_that_has_begun_is_done_although_who_wished_it_goes_away() {
    let plugins = Scripted::new(0);
    let supervisor = plugins.supervisor();
    let mut wish = Box::pin(supervisor.clone().act("p".into(), Action::Disable));
    std::future::poll_fn(|context| {
        assert!(wish.as_mut().poll(context).is_pending());
        Poll::Ready(())
    })
    .await;
    plugins.until(Event::Began("act")).await;
    drop(wish);
    plugins.gate.add_permits(1);
    plugins.until(Event::Acted(Action::Disable)).await;
    // Its end, too: it has the turn until then.
    drop(supervisor.turns.take(&"p".into()).await);
    let expected = [
        Event::Serving(false),
        Event::Began("act"),
        Event::Acted(Action::Disable),
        Event::Serving(false),
    ];
    assert_eq!(plugins.events(), expected);
}

#[tokio::test]
async fn a_trial_that_has_begun_goes_on_although_who_wished_it_goes_away() {
    let plugins = Scripted::new(0);
    let supervisor = plugins.supervisor();
    let mut wish = Box::pin(supervisor.clone().try_version(
        "p".into(),
        "new".to_owned(),
        canary(true),
    ));
    std::future::poll_fn(|context| {
        assert!(wish.as_mut().poll(context).is_pending());
        Poll::Ready(())
    })
    .await;
    plugins.until(Event::Began("try")).await;
    drop(wish);
    plugins.gate.add_permits(1);
    drop(supervisor.turns.take(&"p".into()).await);
    let candidate = supervisor.candidate("p").expect("it was begun");
    assert_eq!(candidate.version, "new");
}

#[tokio::test(start_paused = true)]
async fn a_canary_that_held_is_promoted_when_its_window_is_over() {
    let plugins = Scripted::new(2);
    let supervisor = plugins.supervisor();
    let begun = supervisor.try_version("p".into(), "new".to_owned(), canary(true));
    begun.await.expect("it begins");
    plugins.handled(PROMOTED_MESSAGES_MIN);
    tokio::time::sleep(WINDOW - Duration::from_secs(1)).await;
    assert_eq!(
        plugins.events(),
        [Event::Began("try")],
        "not before its end"
    );
    plugins.until(Event::Serving(true)).await;
    assert!(plugins.events().contains(&promoted("new")));
}

#[tokio::test(start_paused = true)]
async fn a_canary_that_is_not_to_be_promoted_or_had_too_little_to_do_waits() {
    let plugins = Scripted::new(10);
    let supervisor = plugins.supervisor();
    for (promote, messages) in [(true, PROMOTED_MESSAGES_MIN - 1), (false, 1_000)] {
        let begun = supervisor.clone();
        let begun = begun.try_version("p".into(), "new".to_owned(), canary(promote));
        begun.await.expect("it begins");
        plugins.handled(messages);
        tokio::time::sleep(WINDOW * 2).await;
        assert!(plugins.end_trial("p", Ended::Stopped), "it goes on");
    }
    assert!(!plugins.events().contains(&promoted("new")));
}

#[tokio::test(start_paused = true)]
async fn the_window_of_a_canary_that_was_ended_is_none_of_the_next_ones() {
    let plugins = Scripted::new(10);
    let supervisor = plugins.supervisor();
    for version in ["first", "second"] {
        let begun = supervisor.clone();
        let begun = begun.try_version("p".into(), version.to_owned(), canary(true));
        begun.await.expect("it begins");
        plugins.handled(1_000);
        if version == "first" {
            tokio::time::sleep(WINDOW / 2).await;
            supervisor.end_trial(&"p".into()).expect("it is under way");
        }
    }
    // The first one's window is over by then, and the second one's is not.
    tokio::time::sleep(WINDOW * 3 / 4).await;
    assert!(!plugins.events().contains(&promoted("second")));
    plugins.until(promoted("second")).await;
}

#[tokio::test]
async fn a_file_that_is_refused_leaves_nothing_waiting_even_if_it_makes_the_compiler_panic() {
    for file in ["bad", "panic"] {
        let plugins = Scripted::new(1);
        let supervisor = plugins.supervisor();
        let refused = install(&supervisor, &"p".into(), file).await;
        refused.expect_err("it is refused");
        let expected = [Event::Began("prepare"), Event::Dismissed];
        assert_eq!(plugins.events(), expected, "{file}");
    }
}

#[tokio::test]
async fn nothing_is_kept_of_names_that_nobody_knows() {
    let plugins = Scripted::new(0);
    let supervisor = plugins.supervisor();
    for name in ["x", "y"] {
        let unknown = |error| assert_eq!(error, ActError::Unknown(name.into()));
        let tried = supervisor.clone();
        let tried = tried.try_version(name.into(), "new".to_owned(), canary(false));
        unknown(tried.await.unwrap_err());
        let supervisor = supervisor.clone();
        unknown(supervisor.clone().promote(name.into()).await.unwrap_err());
        unknown(
            supervisor
                .act(name.into(), Action::Enable)
                .await
                .unwrap_err(),
        );
    }
    assert!(supervisor.turns.0.lock().expect("unpoisoned").is_empty());
}
