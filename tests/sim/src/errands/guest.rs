//! The guest that puts errands off and takes them back.

use wasmill_model::When;
use wasmill_model::effects::Failure;
use wasmill_port::Call;
use wasmill_port::call::{Alarm, CallError, Outgoing};

use super::{Errand, How};
use crate::guest::{body, get, once, put};

/// Handles an errand, or the task that it became.
pub(crate) fn handle(call: &mut Call) -> Result<(), Failure> {
    let it: Errand = body(call);
    if call.delivery().message.topic == *"task" {
        return run(call, &it);
    }
    match it.how {
        How::Sent => send(call, &it)?,
        How::Timer => set(call, &it)?,
        How::Outside => panic!("errand {} was put off outside", it.id),
    }
    if let Some((id, how)) = it.takes_back {
        take_back(call, id, how)?;
    }
    Ok(())
}

/// The time of a task has come.
fn run(call: &mut Call, it: &Errand) -> Result<(), Failure> {
    let (now, due) = (call.now(), call.delivery().message.produced_at);
    let id = it.id;
    assert!(now >= due, "errand {id} is run at {now}, before {due}");
    let back = get(call, &format!("back/{id}"))?;
    assert_eq!(back, None, "errand {id} was taken back");
    once(call, &format!("handled/{id}"))
}

fn send(call: &mut Call, it: &Errand) -> Result<(), Failure> {
    note_due(call, it)?;
    let name = call.send(Outgoing {
        topic: "task".into(),
        key: Some(it.key.as_str().into()),
        tag: None,
        headers: Vec::new(),
        body: call.delivery().message.body.clone(),
        when: When::After(it.delay),
    })?;
    Ok(call.put(&format!("name/{}", it.id), Some(name.to_string().into()))?)
}

fn set(call: &mut Call, it: &Errand) -> Result<(), Failure> {
    note_due(call, it)?;
    let alarm = Alarm {
        topic: "task".into(),
        tag: None,
        headers: Vec::new(),
        body: call.delivery().message.body.clone(),
    };
    Ok(call.set_timer(&it.id.to_string(), When::After(it.delay), alarm)?)
}

fn note_due(call: &mut Call, it: &Errand) -> Result<(), CallError> {
    let due = call.now().0 + it.delay;
    put(
        call,
        &format!("due/{}", it.id),
        i64::try_from(due).expect("a near time"),
    )
}

/// Takes an earlier errand of the same key back, if it still waits.
fn take_back(call: &mut Call, id: u64, how: How) -> Result<(), Failure> {
    let was_handled = get(call, &format!("handled/{id}"))?.is_some();
    let was_taken = get(call, &format!("back/{id}"))?.is_some();
    let waits = match (how, call.get(&format!("name/{id}"))?) {
        (How::Timer, _) => call.cancel_timer(&id.to_string())?,
        (_, Some(name)) => {
            let name = std::str::from_utf8(&name).expect("a message's id");
            call.recall(name.parse().expect("a message's id"))?
        }
        (_, None) => return Ok(()),
    };
    if !waits {
        return Ok(());
    }
    assert!(
        !was_handled,
        "errand {id} was taken back after it was handled"
    );
    assert!(!was_taken, "errand {id} was taken back twice");
    Ok(put(call, &format!("back/{id}"), 1)?)
}
