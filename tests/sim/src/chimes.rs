//! Chimes: schedules that run while the host dies, stands still, and its clock jumps.
//!
//! Which runs there are follows from when the host was told what time it is, and from the policy
//! for missed ones. Each is handled once and in its order.

use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use bytes::Bytes;
use rand::Rng;
use rand::rngs::StdRng;
use wasmill_model::Millis;
use wasmill_model::effects::Failure;
use wasmill_model::routes::{MISSED_AFTER, Missed, SCHEDULED_AT_HEADER, Schedule, Timing, Zone};
use wasmill_port::Call;

use crate::guest::{bump, get, number, once, put};
use crate::host::{Dead, Host};
use crate::ledger::Awaiting;
use crate::workload::{Draft, Workload, subscription};

/// The plugin that counts runs.
pub(crate) const PLUGIN: &str = "tower";
/// The clock of a world begins in the first of these minutes of its day, and settles after them.
const MINUTES: RangeInclusive<u64> = 16..=17;

/// A schedule, and what it must have done.
#[derive(Debug)]
struct Chime {
    name: &'static str,
    missed: Missed,
    /// Seconds from one run to the next.
    period: u64,
    /// Up to when runs are decided about; none before the schedule is in force.
    until: Option<Millis>,
    pending: Awaiting<Decided>,
    /// The same, of what is durable.
    durable_until: Option<Millis>,
    runs: Vec<Millis>,
}

/// What was sent when the host was told the time.
#[derive(Debug)]
struct Decided {
    until: Millis,
    runs: Vec<Millis>,
    /// The barrier before the first of the runs.
    before: u64,
}

/// The schedules of a world.
#[derive(Debug)]
pub(crate) struct Chimes([Chime; 3]);

impl Default for Chimes {
    fn default() -> Self {
        let new = |name, missed, period| Chime {
            name,
            missed,
            period,
            until: None,
            pending: Awaiting::default(),
            durable_until: None,
            runs: Vec::new(),
        };
        Self([
            new("skipping", Missed::Skip, 1),
            new("last", Missed::Once, 2),
            new("each", Missed::All, 3),
        ])
    }
}

/// A run arrives.
pub(crate) fn handle(call: &mut Call) -> Result<(), Failure> {
    let message = &call.delivery().message;
    let at = message.header(SCHEDULED_AT_HEADER).expect("a run's time");
    let at: u64 = at.parse().expect("milliseconds");
    let now = call.now();
    assert!(now >= Millis(at), "run {at} came early, at {now}");
    let at = i64::try_from(at).expect("a near time");
    let last = get(call, "last")?.unwrap_or(-1);
    once(call, &format!("run/{at}"))?;
    assert!(at > last, "run {at} came after run {last}");
    put(call, "last", at)?;
    Ok(bump(call, "runs")?)
}

impl Chime {
    fn schedule(&self) -> Schedule {
        let (first, last) = MINUTES.into_inner();
        let period = self.period;
        let expression = format!("*/{period} {first}-{last} 0 * * *");
        Schedule {
            name: self.name.into(),
            timing: Timing::new(&expression, Zone::UTC).expect("an expression of ours"),
            topic: "chime".into(),
            key: Some(self.name.into()),
            tag: None,
            headers: Vec::new(),
            body: Bytes::new(),
            missed: self.missed,
        }
    }

    /// The times of its runs, within the only day that a world sees.
    fn times(&self) -> impl Iterator<Item = Millis> + use<> {
        let (first, last) = MINUTES.into_inner();
        let seconds = first * 60..(last + 1) * 60;
        let step = usize::try_from(self.period).expect("a short period");
        seconds.step_by(step).map(|second| Millis(second * 1_000))
    }

    /// The host was told the time: what was due by then is sent, or was missed.
    fn ticked(&mut self, now: Millis, barriers: &Range<u64>) {
        let until = self.until.replace(now).expect("it is in force");
        let due = self.times().filter(|at| *at > until && *at <= now);
        let late = |at: &Millis| now.since(*at) > MISSED_AFTER;
        let (missed, mut runs): (Vec<_>, Vec<_>) = due.partition(late);
        if missed.is_empty() && runs.is_empty() {
            return;
        }
        let made_up = missed.len().min(self.missed.count_max());
        runs.splice(0..0, missed[missed.len() - made_up..].iter().copied());
        let decided = Decided {
            until: now,
            runs,
            before: barriers.start,
        };
        self.pending.push(barriers.end, decided);
    }

    fn durable(&mut self, blocks: u64) {
        for Decided { until, runs, .. } in self.pending.told(blocks) {
            self.durable_until = Some(until);
            self.runs.extend(runs);
        }
    }

    /// Another host goes on where the log ends, or begins.
    fn restarted(&mut self, host: &Host, blocks: u64) {
        self.durable(blocks);
        if let Some(cut) = self.pending.lost().into_iter().next()
            && cut.before <= blocks
            && let Some(last) = host.schedule_ran_last(self.name)
        {
            // The log ends between the blocks of these runs.
            let kept = cut.runs.into_iter().filter(|at| *at <= last);
            self.runs.extend(kept);
            self.durable_until = self.durable_until.max(Some(last));
        }
        self.until = self.durable_until;
        if self.until.is_none() {
            let began = Decided {
                until: host.now(),
                runs: Vec::new(),
                before: host.barrier(),
            };
            self.until = Some(began.until);
            self.pending.push(host.barrier(), began);
        }
    }
}

impl Workload for Chimes {
    fn routes(&self, draft: &mut Draft) {
        draft.declare(&["chime"]);
        draft.schedules.extend(self.0.iter().map(Chime::schedule));
        draft
            .subscriptions
            .push(subscription("chime", "chime", PLUGIN));
    }

    fn step(&mut self, host: &mut Host, rng: &mut StdRng) -> Result<(), Dead> {
        // Mostly time goes by; seldom it jumps, and runs are missed.
        let span = match rng.random_ratio(1, 60) {
            true => rng.random_range(5_000..25_000),
            false => rng.random_range(0..100),
        };
        host.clock().advance(Duration::from_millis(span));
        Ok(())
    }

    fn durable(&mut self, blocks: u64) {
        self.0.iter_mut().for_each(|it| it.durable(blocks));
    }

    fn ticked(&mut self, now: Millis, barriers: &Range<u64>) {
        self.0.iter_mut().for_each(|it| it.ticked(now, barriers));
    }

    fn restarted(&mut self, host: &mut Host, blocks: u64) -> Result<(), Dead> {
        self.0.iter_mut().for_each(|it| it.restarted(host, blocks));
        Ok(())
    }

    fn settle(&mut self, _host: &mut Host) -> Result<bool, Dead> {
        Ok(true)
    }

    fn check(&mut self, host: &Host) -> Result<(), Dead> {
        for chime in &self.0 {
            let name = chime.name;
            for at in &chime.runs {
                let run = host.state(PLUGIN, name, &format!("run/{}", at.0))?;
                assert!(run.is_some(), "schedule {name} skipped its run {at}");
            }
            let runs = number(host.state(PLUGIN, name, "runs")?.as_ref()).unwrap_or(0);
            let expected = i64::try_from(chime.runs.len()).expect("few runs");
            assert_eq!(runs, expected, "runs of schedule {name}");
        }
        Ok(())
    }

    fn taken(&self) -> usize {
        self.0.iter().map(|it| it.runs.len()).sum()
    }
}
