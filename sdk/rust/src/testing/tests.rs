//! The host in memory, where the port's own tests cannot hold it to the real one: roles, timers
//! that ring, half messages.

use std::time::Duration;

use super::TestHost;
use crate::{
    Accepted, Delivery, Error, Failure, Half, HalfState, Host, Message, Outgoing, Problem, Request,
    Response, Transactional, Verdict, reject,
};

const MINUTE: Duration = Duration::from_secs(60);

fn refused(function: &str, why: &str) -> Failure {
    Error::Invalid(format!("`{function}` is refused {why}")).into()
}

#[test]
fn what_a_handler_did_is_there_if_it_returns_ok_and_nowhere_else() -> Result<(), Failure> {
    fn handle(host: &mut impl Host, message: &Message) -> Result<(), Failure> {
        host.save("seen", &1)?;
        host.claim("id", MINUTE)?;
        host.set_timer("late", MINUTE, "late")?;
        host.send("news", "ann", "heard")?;
        host.log(crate::Level::Info, "heard");
        match message.body.as_slice() {
            b"wrong" => Err(reject("wrong")),
            _ => Ok(()),
        }
    }
    let mut host = TestHost::new();
    assert!(host.deliver(handle, "t", "ann", "wrong").is_err());
    assert!(host.scope("ann").is_empty() && host.sent().is_empty());
    assert_eq!(host.log_lines().len(), 1, "a line that was written stays");
    host.deliver(handle, "t", "ann", "right")?;
    assert_eq!(host.keys().collect::<Vec<_>>(), ["ann"]);
    let scope = host.scope("ann");
    assert_eq!(scope.load("seen")?, Some(1));
    assert!(scope.timer("late").is_some() && scope.claimed_until("id").is_some());
    assert_eq!(host.take_sent().len(), 1);
    assert!(host.scope("bob").is_empty(), "another key's");
    Ok(())
}

#[test]
fn each_role_may_do_what_the_contract_lets_it() {
    fn admit(host: &mut impl Host, _: &Request) -> Result<Accepted, Problem> {
        match host.load::<u64>("seen") {
            Ok(_) => Accepted::json("ann", "", ""),
            Err(failure) => Err(Problem::unauthorized(failure.cause())),
        }
    }
    fn answer(host: &mut impl Host, _: &str, _: &Request) -> Response {
        match host.save("seen", &2) {
            Ok(()) => Response::ok("", true),
            Err(failure) => Response::not_found(failure.cause()),
        }
    }
    let mut host = TestHost::new();
    let request = Request::new("GET", "/", "");
    let admitted = host.admit(admit, &request).map_err(|it| it.detail);
    let why = "in `gate.admit`: a gate is stateless; do this in `handler.handle`";
    assert_eq!(admitted, Err(refused("state.get", why).cause().to_owned()));
    let answered = host.answer(answer, "ann", &request);
    assert_eq!(answered.status, 404);
    let why = "outside of a call, as while the component starts";
    assert_eq!(host.load::<u64>("seen"), Err(refused("state.get", why)));
}

#[test]
fn timers_ring_in_their_order_and_at_their_times() -> Result<(), Failure> {
    fn handle(host: &mut impl Host, message: &Message) -> Result<(), Failure> {
        let now = host.now();
        host.send("rang", &message.topic, &now)?;
        match message.topic.as_str() {
            "begin" => {
                host.set_timer("b", 2 * MINUTE, "second")?;
                Ok(host.set_timer("a", MINUTE, "first")?)
            }
            // In place of itself, and once more in the same span.
            "first" => Ok(host.set_timer("a", MINUTE / 2, "again")?),
            _ => Ok(()),
        }
    }
    let mut host = TestHost::new();
    let begin = host.now();
    host.deliver(handle, "begin", "ann", "")?;
    host.elapse(handle, 3 * MINUTE)?;
    let rang = host.take_sent().into_iter().skip(1);
    let rang = rang.map(|sent| Ok((sent.json::<u64>()? - begin, sent.key)));
    let rang = rang.collect::<Result<Vec<_>, Failure>>()?;
    let expected = [(60_000, "first"), (90_000, "again"), (120_000, "second")];
    assert_eq!(rang, expected.map(|(at, key)| (at, Some(key.to_owned()))));
    assert_eq!(host.now(), begin + 180_000);
    assert!(host.scope("ann").is_empty());
    Ok(())
}

#[test]
fn a_timer_whose_handler_fails_stays_pending_and_one_that_is_set_to_now_is_found() {
    fn set(host: &mut impl Host, _: &Message) -> Result<(), Failure> {
        Ok(host.set_timer("t", Delivery::Now, "ring")?)
    }
    let mut host = TestHost::new();
    assert_eq!(host.deliver(set, "begin", "ann", ""), Ok(()));
    let failing = |_: &mut TestHost, _: &Message| Err(reject("not now"));
    assert_eq!(host.elapse(failing, MINUTE), Err(reject("not now")));
    assert!(host.scope("ann").timer("t").is_some());
    let looping = host.elapse(set, MINUTE);
    assert!(looping.is_err_and(|failure| failure.cause().contains("does one set itself")));
}

#[test]
fn a_half_message_outlives_its_handler_and_is_delivered_once_decided() -> Result<(), Failure> {
    fn prepare(host: &mut TestHost, _: &Message) -> Result<(), Failure> {
        host.prepare("h", Outgoing::new("done", ""))?;
        Err(reject("killed"))
    }
    fn settle(host: &mut TestHost, _: &Message) -> Result<(), Failure> {
        let state = host.prepare("h", Outgoing::new("another", ""))?;
        host.send("found", "ann", &format!("{state:?}"))?;
        if state == HalfState::Prepared {
            host.commit("h")?;
        }
        Ok(())
    }
    for checked in [None, Some(Verdict::Commit), Some(Verdict::Rollback)] {
        let mut host = TestHost::new();
        assert!(host.deliver(prepare, "t", "ann", "").is_err());
        assert_eq!(host.scope("ann").half("h"), Some(HalfState::Prepared));
        let unknown = |_: &mut TestHost, half: &Half| Verdict::Unknown(half.checks.to_string());
        for checks in ["0", "1"] {
            let verdict = host.check_half(unknown, "ann", "h");
            assert_eq!(verdict, Some(Verdict::Unknown(checks.to_owned())));
        }
        if let Some(verdict) = &checked {
            let check = |_: &mut TestHost, _: &Half| verdict.clone();
            assert_eq!(host.check_half(check, "ann", "h"), checked);
            assert_eq!(host.check_half(check, "ann", "h"), None, "it is decided");
        }
        host.deliver(settle, "t", "ann", "")?;
        assert!(host.scope("ann").is_empty());
        let topics = host.sent().iter().map(|sent| sent.topic.as_str());
        let (topics, state) = match checked {
            None => (topics.collect::<Vec<_>>(), "HalfState::Prepared"),
            Some(Verdict::Commit) => (topics.collect(), "HalfState::Committed"),
            Some(_) => (topics.collect(), "HalfState::RolledBack"),
        };
        let delivered = topics.iter().filter(|topic| **topic == "done").count();
        assert_eq!(
            delivered,
            usize::from(state != "HalfState::RolledBack"),
            "{topics:?}"
        );
        let found = host.sent().iter().find(|sent| sent.topic == "found");
        let found = found.map(|sent| sent.json::<String>()).transpose()?;
        assert_eq!(found.as_deref(), Some(state));
    }
    Ok(())
}

#[test]
fn a_migration_writes_state_and_nothing_else() -> Result<(), Failure> {
    fn migrate(host: &mut impl Host, from: u32) -> Result<(), Failure> {
        let seen: u64 = host.load("seen")?.unwrap_or_default();
        host.save("seen", &[seen + u64::from(from)])?;
        host.delete("old")?;
        match seen {
            0 => Err(reject("nothing was seen")),
            1 => host.send("news", "ann", "migrated"),
            _ => Ok(()),
        }
    }
    let mut host = TestHost::new();
    for seen in [0, 1, 2_u64] {
        let entries = &mut host.scope_mut("ann").entries;
        entries.insert("seen".to_owned(), seen.to_string().into_bytes());
        entries.insert("old".to_owned(), Vec::new());
        let migrated = host.migrate(migrate, "ann", 1);
        let scope = host.scope("ann");
        match seen {
            0 => assert_eq!(migrated, Err(reject("nothing was seen"))),
            1 => {
                let why = "in `migration.migrate`: it only brings the state up to date; do this in \
                           `handler.handle`";
                assert_eq!(migrated, Err(refused("queue.send", why)));
            }
            _ => {
                migrated?;
                assert_eq!(scope.load("seen")?, Some([3]));
                assert!(!scope.entries.contains_key("old"));
                continue;
            }
        }
        assert_eq!(scope.load("seen")?, Some(seen), "as if it never was");
    }
    Ok(())
}

#[test]
fn messages_that_are_sent_together_are_sent_all_or_none() -> Result<(), Failure> {
    let mut host = TestHost::new().with_topics(["t", "news"]);
    let handle = |host: &mut TestHost, message: &Message| {
        let topics = message.json::<Vec<String>>()?;
        let outgoing = topics.iter().map(|topic| Outgoing::new(topic, ""));
        let ids = host.send_messages(outgoing.collect());
        let told = ids.map_or_else(|error| error.to_string(), |ids| ids.len().to_string());
        host.send("news", "ann", &told)
    };
    host.deliver(handle, "t", None, r#"["t", "t"]"#)?;
    host.deliver(handle, "t", None, r#"["t", "nowhere", "t"]"#)?;
    let bodies = host.sent().iter().map(|sent| sent.body.as_slice());
    let unknown = serde_json::to_vec(&Error::UnknownTopic("nowhere".to_owned()).to_string())?;
    let told: [&[u8]; 4] = [b"", b"", b"\"2\"", &unknown];
    assert_eq!(bodies.collect::<Vec<_>>(), told);
    Ok(())
}

#[cfg(feature = "http")]
#[test]
fn an_answer_that_is_larger_than_wanted_is_an_error_and_not_half_of_it() {
    use crate::http::{Answer, Http, Request};

    let mut host = TestHost::new().with_http(|_| Ok(Answer::new(200, vec![b'x'; 2_000])));
    let mut body_of = |bytes_max| {
        let request = Request::get("https://a.example").with_answer_bytes_max(bytes_max);
        host.fetch(request).map(|answer| answer.body.len())
    };
    assert_eq!(body_of(2_000), Ok(2_000));
    assert!(body_of(1_999).is_err());
}
