//! Check-back: owners of unsettled half messages are asked what is to become of them.
//!
//! Each half message has its own time. A question that was not answered, because the host stopped
//! or the plugin was away, does not count and is put again.

use std::sync::Arc;
use std::time::Duration;

use wasmill_model::half::{self, OnUndecided, Owner};
use wasmill_model::limits::CAUSE_BYTES_MAX;
use wasmill_model::{Decision, Half, Millis, Name, Op, PartitionId, reserved};

use crate::engine::{Action, Engine};

/// Questions that one tick puts; the next tick follows at once.
const ASK_COUNT_MAX: usize = 256;
/// Questions to one owner under way: one that is slow stalls no other.
const ASKING_MAX: usize = 64;
/// When to look again whether a busy owner, or one that is away, has time.
const BUSY_DELAY: Duration = Duration::from_secs(1);

/// A question to the owner of a half message.
#[derive(Clone, Debug)]
pub struct CheckRequest {
    /// The partition that has it.
    pub partition: PartitionId,
    /// The half message.
    pub half: Arc<Half>,
}

/// What the owner says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// This.
    Decided(Decision),
    /// Nothing that decides, and why.
    Unknown(String),
    /// It could not be asked; this does not count.
    Unavailable,
}

impl Engine {
    /// Puts the questions that are due.
    pub(crate) fn ask_owners(&mut self, now: Millis) {
        for _ in 0..ASK_COUNT_MAX {
            let Some(&(due, id, half)) = self.checks.due.first().filter(|(due, ..)| *due <= now)
            else {
                return;
            };
            self.checks.due.remove(&(due, id, half));
            let Some(half) = self.partition(id).halves.open.get(&half).cloned() else {
                continue;
            };
            let asking = self.checks.asking.entry(asked(&half)).or_default();
            if *asking >= ASKING_MAX {
                self.checks.due.insert((now + BUSY_DELAY, id, half.id()));
                continue;
            }
            *asking += 1;
            self.actions.push(Action::Check(CheckRequest {
                partition: id,
                half,
            }));
        }
    }

    /// Takes an owner's answer.
    pub fn checked(&mut self, request: &CheckRequest, verdict: Verdict, now: Millis) {
        let now = self.advance(now);
        let CheckRequest { partition, half } = request;
        let owner = asked(half);
        if let Some(asking) = self.checks.asking.get_mut(&owner) {
            *asking -= 1;
            if *asking == 0 {
                self.checks.asking.remove(&owner);
            }
        }
        // Somebody may have decided meanwhile.
        let open = &self.partition(*partition).halves.open;
        let Some(half) = open.get(&half.id()).cloned() else {
            return;
        };
        match verdict {
            Verdict::Decided(decision) => self.decide(*partition, &half, decision),
            Verdict::Unknown(cause) => self.undecided(*partition, &half, cause),
            Verdict::Unavailable => {
                let again = (now + BUSY_DELAY, *partition, half.id());
                self.checks.due.insert(again);
            }
        }
        self.dispatch();
    }

    fn undecided(&mut self, partition: PartitionId, half: &Half, mut cause: String) {
        let policy = self.routes().check_policy(&half.message.topic);
        let checks = half.checks + 1;
        let exhausted = (checks >= policy.count_max).then_some(policy.on_exhausted);
        cause.truncate(cause.floor_char_boundary(CAUSE_BYTES_MAX));
        let next_check = match exhausted {
            Some(OnUndecided::Commit) => return self.decide(partition, half, Decision::Commit),
            Some(OnUndecided::RollBack) => {
                return self.decide(partition, half, Decision::RollBack);
            }
            Some(OnUndecided::Abandon) => None,
            None => Some(self.now + policy.interval),
        };
        let half = Half {
            checks,
            next_check,
            cause: Some(cause),
            ..half.clone()
        };
        self.commit(partition, vec![Op::Prepare(Box::new(half))]);
    }
}

/// Whom a question goes to, as far as one may be slow and another is not.
fn asked(half: &Half) -> Name {
    match &half.owner {
        Owner::Plugin { scope, .. } => reserved::plugin_of(&scope.plugin).into(),
        Owner::Producer { check_url } => {
            let url = check_url.as_deref().unwrap_or_default();
            half::authority(url).to_ascii_lowercase().into()
        }
    }
}
