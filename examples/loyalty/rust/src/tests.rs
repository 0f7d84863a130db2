//! The plugin over a host in memory.

use wasmill_sdk::testing::TestHost;

use super::*;

fn host() -> TestHost {
    TestHost::new()
        .with_topics(["loyalty.tier", "loyalty.quiet"])
        .with_config("silver", "5000")
        .with_config("gold", "10000")
        .with_config("quiet", "60000")
}

/// Delivers an order of the user `ann`.
fn pay(host: &mut TestHost, order_id: &str, amount: u64) -> Result<(), Failure> {
    let body = format!(r#"{{"order_id": "{order_id}", "amount": {amount}}}"#);
    host.deliver(handle, "order.paid", "ann", body)
}

fn account(host: &TestHost) -> Result<Option<Account>, Failure> {
    host.scope("ann").load(ACCOUNT)
}

#[test]
fn a_tier_is_reached_and_told_once() -> Result<(), Failure> {
    let mut host = host();
    pay(&mut host, "o-1", 4_999)?;
    assert!(host.sent().is_empty());
    pay(&mut host, "o-2", 1)?;
    pay(&mut host, "o-3", 1)?;

    let expected = Account {
        spent: 5_001,
        orders: 3,
        tier: Tier::Silver,
    };
    assert_eq!(account(&host)?, Some(expected));
    let [sent] = host.sent() else {
        panic!("one message, not {:?}", host.sent());
    };
    assert_eq!(
        (sent.topic.as_str(), sent.key.as_deref()),
        ("loyalty.tier", Some("ann"))
    );
    let change = TierChange {
        user: "ann".to_owned(),
        from: Tier::Bronze,
        to: Tier::Silver,
        spent: 5_000,
    };
    assert_eq!(sent.json::<TierChange>()?, change);
    assert_eq!(host.log_lines().len(), 1);
    Ok(())
}

#[test]
fn an_order_counts_once() -> Result<(), Failure> {
    let mut host = host();
    pay(&mut host, "o-1", 100)?;
    pay(&mut host, "o-1", 100)?;
    assert_eq!(account(&host)?.map(|account| account.orders), Some(1));
    Ok(())
}

#[test]
fn who_buys_nothing_for_long_is_forgotten() -> Result<(), Failure> {
    let mut host = host();
    pay(&mut host, "o-1", 10_000)?;
    host.elapse(handle, Duration::from_secs(40))?;
    pay(&mut host, "o-2", 1)?;
    host.take_sent();

    host.elapse(handle, Duration::from_secs(40))?;
    assert!(
        account(&host)?.is_some(),
        "the second order began the time anew"
    );
    host.elapse(handle, Duration::from_secs(20))?;
    assert_eq!(account(&host)?, None);
    let change = TierChange {
        user: "ann".to_owned(),
        from: Tier::Gold,
        to: Tier::Bronze,
        spent: 0,
    };
    assert_eq!(host.take_sent()[0].json::<TierChange>()?, change);
    Ok(())
}

#[test]
fn what_makes_no_sense_is_rejected_with_what_is_wrong() {
    let mut host = host();
    let cases = [
        (
            "order.paid",
            Some("ann"),
            r#"{"order_id": "o-1"}"#,
            "`amount`",
        ),
        (
            "order.paid",
            Some("ann"),
            r#"{"order_id": "o-1", "amount": 0}"#,
            "`amount`",
        ),
        (
            "order.paid",
            None,
            r#"{"order_id": "o-1", "amount": 1}"#,
            "needs a key",
        ),
        ("order.gone", Some("ann"), "", "`order.gone`"),
    ];
    for (topic, key, body, named) in cases {
        let failure = host.deliver(handle, topic, key, body).expect_err(body);
        assert!(matches!(failure, Failure::Reject(_)), "{failure:?}");
        assert!(failure.cause().contains(named), "{failure:?}");
    }
    assert!(host.scope("ann").is_empty());
}

#[test]
fn a_topic_that_the_operator_has_not_declared_is_tried_again() {
    let mut host = TestHost::new().with_topics(["loyalty.quiet"]);
    let failure = pay(&mut host, "o-1", 200_000).expect_err("no topic `loyalty.tier`");
    assert!(matches!(failure, Failure::Retry(_)), "{failure:?}");
    assert!(host.scope("ann").is_empty(), "nothing of it happened");
}

#[test]
fn what_cannot_be_counted_is_rejected_by_name_and_counts_nothing() {
    let mut host = host();
    let causes = [
        (pay(&mut host, "", 1), "order_id"),
        (pay(&mut host, "o-1", SPENT_MAX + 1), "amount"),
        (pay(&mut host, "o-1", SPENT_MAX), ""),
        (pay(&mut host, "o-2", 1), "amount"),
    ];
    for (paid, named) in causes {
        match paid {
            Err(Failure::Reject(cause)) => assert!(cause.contains(named), "{cause}"),
            other => assert_eq!((other, named), (Ok(()), "")),
        }
    }
}

#[test]
fn a_timer_that_could_not_ring_later_is_the_operators_to_correct() {
    let mut host = host().with_config("quiet", "0");
    let paid = pay(&mut host, "o-1", 1);
    assert!(matches!(&paid, Err(Failure::Retry(cause)) if cause.contains("quiet")));
}
