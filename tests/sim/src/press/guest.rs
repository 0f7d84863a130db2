//! The guest of the press: the editor, and every reader.

use wasmill_model::When;
use wasmill_model::effects::Failure;
use wasmill_port::Call;
use wasmill_port::call::{Alarm, Outgoing};

use super::{Piece, REGION, is_choosy};
use crate::guest::{body, bump, get, once, put};

/// Handles a draft, or reads an article.
pub(crate) fn handle(call: &mut Call) -> Result<(), Failure> {
    let it: Piece = body(call);
    match &*call.delivery().subscription.clone() {
        "editor" => edit(call, it),
        reader => read(call, &it, reader),
    }
}

/// Sends an article, and keeps the time at which it was sent.
fn edit(call: &mut Call, it: Piece) -> Result<(), Failure> {
    let name = format!("sent/{}", it.id);
    assert_eq!(get(call, &name)?, None, "draft {} came twice", it.id);
    let now = i64::try_from(call.now().0).expect("a near time");
    put(call, &name, now)?;
    let body = call.delivery().message.body.clone();
    if let Some(delay) = it.rings_after {
        let alarm = Alarm {
            topic: "article.ring".into(),
            tag: None,
            headers: Vec::new(),
            body: body.clone(),
        };
        call.set_timer(&it.id.to_string(), When::After(delay), alarm)?;
    }
    let region = it.region.map(|it| (REGION.into(), it.as_str().into()));
    call.send(Outgoing {
        topic: "article".into(),
        key: Some(it.key.as_str().into()),
        tag: None,
        headers: region.into_iter().collect(),
        body,
        when: When::Now,
    })?;
    Ok(())
}

/// Counts an article; one that comes before the last one begins another pass over them.
fn read(call: &mut Call, it: &Piece, reader: &str) -> Result<(), Failure> {
    let id = it.id;
    if call.delivery().message.timer.is_some() {
        return once(call, &format!("rung/{id}"));
    }
    let region = call.delivery().message.header(REGION);
    assert!(
        !is_choosy(reader) || region == Some("eu"),
        "{reader} gets article {id} of region {region:?}"
    );
    let last = get(call, &format!("last/{reader}"))?.unwrap_or(-1);
    let id = i64::try_from(id).expect("few articles");
    if id <= last {
        bump(call, &format!("passes/{reader}"))?;
    }
    put(call, &format!("last/{reader}"), id)?;
    Ok(bump(call, &format!("read/{reader}/{id}"))?)
}
