//! Vouchers: messages whose subscription tells duplicates by an id that it remembers for a while.
//!
//! Within the window an id is handled once, and after it again; a handler that fails leaves no
//! claim, a letter that is redriven is judged like any message, and timers are always handled.

use std::collections::BTreeSet;
use std::time::Duration;

use rand::Rng;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};
use wasmill_engine::{Incoming, LetterId};
use wasmill_model::effects::{Failure, FailureKind};
use wasmill_model::record::DeadLetter;
use wasmill_model::routes::{DedupPolicy, KeySource, Subscription};
use wasmill_model::{Millis, When};
use wasmill_port::Call;
use wasmill_port::call::Alarm;

use crate::guest::{body, failure, get, number, once, put};
use crate::host::{Dead, Host, PassedOver};
use crate::jobs::Act;
use crate::ledger::{Awaiting, Outbox, Parcel};
use crate::workload::{Draft, Workload, incoming, subscription};

/// The plugin that redeems vouchers, and its subscription.
pub(crate) const PLUGIN: &str = "till";
/// Where vouchers are sent to, and their timers.
const TOPIC: &str = "voucher";
const RING: &str = "voucher.ring";
/// How long a voucher is remembered.
const WINDOW: Duration = Duration::from_millis(400);

/// A message that brings a voucher.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Slip {
    /// The message's own, and the producer's.
    id: u64,
    key: String,
    /// The id by which its subscription tells duplicates.
    voucher: u64,
    /// Until when the till is closed to it: it is rejected.
    opens_at: u64,
    /// After how long a timer of it rings.
    rings_after: Option<u64>,
}

/// The vouchers of a world.
#[derive(Debug, Default)]
pub(crate) struct Vouchers {
    next_id: u64,
    outbox: Outbox<Slip>,
    /// Those that were told to be duplicates, in records that a crash may take back.
    passing: Awaiting<u64>,
    /// Those that are duplicates for good.
    passed_over: BTreeSet<u64>,
}

impl Parcel for Slip {
    fn incoming(&self) -> Incoming {
        let body = serde_json::to_vec(self).expect("a slip").into();
        incoming(TOPIC, &self.key, self.id, body)
    }
}

impl Slip {
    /// The entry that says when the voucher was redeemed last.
    fn redeemed(&self) -> String {
        format!("redeemed/{}", self.voucher)
    }

    /// Whether the till is open to it.
    fn is_welcome(&self, now: Millis) -> bool {
        now >= Millis(self.opens_at)
    }
}

/// Redeems a voucher, or takes note of its timer.
pub(crate) fn handle(call: &mut Call) -> Result<(), Failure> {
    let it: Slip = body(call);
    let now = call.now();
    if !it.is_welcome(now) {
        return Err(failure(FailureKind::Reject, "the till is closed"));
    }
    if call.delivery().message.timer.is_some() {
        return once(call, &format!("rung/{}", it.id));
    }
    let last = get(call, &it.redeemed())?;
    let over = last.map(|last| time(last) + WINDOW);
    assert!(
        over.is_none_or(|over| now >= over),
        "voucher {} is redeemed at {now}, and was until {over:?}",
        it.voucher
    );
    let at = i64::try_from(now.0).expect("a near time");
    put(call, &it.redeemed(), at)?;
    if let Some(delay) = it.rings_after {
        set_timer(call, &it, delay)?;
    }
    once(call, &format!("handled/{}", it.id))
}

/// Sets a timer that has the voucher too, and is rejected for a while when it rings.
fn set_timer(call: &mut Call, it: &Slip, delay: u64) -> Result<(), Failure> {
    let ring = Slip {
        opens_at: call.now().0 + delay + it.id % 3 * 100,
        rings_after: None,
        ..it.clone()
    };
    let alarm = Alarm {
        topic: RING.into(),
        tag: None,
        headers: Vec::new(),
        body: serde_json::to_vec(&ring).expect("a ring").into(),
    };
    Ok(call.set_timer(&it.id.to_string(), When::After(delay), alarm)?)
}

fn time(at: i64) -> Millis {
    Millis(u64::try_from(at).expect("a time"))
}

fn slip_of(letter: &DeadLetter) -> Slip {
    serde_json::from_slice(&letter.message.body).expect("a slip")
}

impl Vouchers {
    fn think(&mut self, host: &Host, rng: &mut StdRng) {
        self.next_id += 1;
        self.outbox.push(Slip {
            id: self.next_id,
            key: format!("till-{}", rng.random_range(0..2)),
            voucher: rng.random_range(0..3),
            opens_at: match rng.random_ratio(1, 4) {
                true => host.now().0 + rng.random_range(0..600),
                false => 0,
            },
            rings_after: rng.random_ratio(1, 4).then(|| rng.random_range(1..300)),
        });
    }

    /// An operator redrives those letters that are chosen.
    fn redrive(
        host: &mut Host,
        mut choose: impl FnMut(&DeadLetter) -> bool,
    ) -> Result<Vec<LetterId>, Dead> {
        let letters = host.letters(PLUGIN)?;
        let (chosen, left): (Vec<_>, Vec<_>) = letters.into_iter().partition(|it| choose(&it.1));
        for (id, _) in chosen {
            let held = host.read_letter(&id)?.expect("it was listed just now");
            host.act_on_letter(held, Act::Redrive)?;
        }
        Ok(left.into_iter().map(|(id, _)| id).collect())
    }
}

impl Workload for Vouchers {
    fn routes(&self, draft: &mut Draft) {
        draft.declare(&[TOPIC, RING]);
        draft.subscriptions.push(Subscription {
            dedup: Some(DedupPolicy {
                id: KeySource::Pointer("/voucher".to_owned()),
                window: WINDOW,
            }),
            ..subscription(PLUGIN, "voucher*", PLUGIN)
        });
    }

    fn step(&mut self, host: &mut Host, rng: &mut StdRng) -> Result<(), Dead> {
        match rng.random_range(0..5) {
            0 | 1 => self.think(host, rng),
            2 | 3 => self.outbox.send(host, 3, |_, _| {})?,
            _ => drop(Self::redrive(host, |_| rng.random())?),
        }
        Ok(())
    }

    fn durable(&mut self, blocks: u64) {
        self.outbox.durable(blocks);
        self.passed_over.extend(self.passing.told(blocks));
    }

    fn passed_over(&mut self, host: &Host, it: &PassedOver) -> Result<(), Dead> {
        if it.subscription != *PLUGIN {
            return Ok(());
        }
        let slip: Slip = serde_json::from_slice(&it.message.body).expect("a slip");
        let (id, voucher, now) = (slip.id, slip.voucher, it.at);
        assert_eq!(it.message.timer, None, "the timer of slip {id}");
        let last = host.state(PLUGIN, &slip.key, &slip.redeemed())?;
        let over = number(last.as_ref()).map(|last| time(last) + WINDOW);
        assert!(
            over.is_some_and(|over| now < over),
            "voucher {voucher} of slip {id} is refused at {now}, and was until {over:?}"
        );
        self.passing.push(host.barrier(), id);
        Ok(())
    }

    fn restarted(&mut self, _host: &mut Host, blocks: u64) -> Result<(), Dead> {
        self.passed_over.extend(self.passing.told(blocks));
        // What is lost is to be handled, or passed over anew.
        drop(self.passing.lost());
        drop(self.outbox.restarted());
        Ok(())
    }

    fn settle(&mut self, host: &mut Host) -> Result<bool, Dead> {
        self.outbox.send(host, 100, |_, _| {})?;
        let now = host.now();
        let left = Self::redrive(host, |letter| slip_of(letter).is_welcome(now))?;
        Ok(self.outbox.is_done() && left.is_empty())
    }

    fn check(&mut self, host: &Host) -> Result<(), Dead> {
        for slip in self.outbox.taken() {
            let id = slip.id;
            let handled = host.state(PLUGIN, &slip.key, &format!("handled/{id}"))?;
            assert!(
                handled.is_some() || self.passed_over.contains(&id),
                "slip {id} was not handled, and is no duplicate"
            );
            let rung = host.state(PLUGIN, &slip.key, &format!("rung/{id}"))?;
            assert_eq!(
                rung.is_some(),
                handled.is_some() && slip.rings_after.is_some(),
                "the timer of slip {id} rang"
            );
        }
        Ok(())
    }

    fn taken(&self) -> usize {
        self.outbox.taken().len()
    }
}
