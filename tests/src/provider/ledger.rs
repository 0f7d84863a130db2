//! The provider's books: charges and refunds, each created once however often it is asked for.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::policy::{Fate, Hiccup};

/// All charges and refunds.
#[derive(Debug, Default)]
pub struct Ledger {
    // A std mutex: no await happens while it is held.
    books: Mutex<Books>,
}

#[derive(Debug, Default)]
struct Books {
    charges: HashMap<String, Charge>,
    /// Payment and amount by refund id.
    refunds: HashMap<String, (String, u64)>,
    /// Requests that already had their hiccup.
    hiccups: HashMap<String, u32>,
}

/// One charge.
#[derive(Clone, Debug)]
pub struct Charge {
    /// The provider's id.
    pub charge_id: String,
    /// The shop's id.
    pub payment_id: String,
    /// The order it pays.
    pub order_id: String,
    /// Cents that are taken if it succeeds, which may differ from what was asked for.
    pub amount: u64,
    /// What becomes of it.
    pub fate: Fate,
    /// Cents given back.
    pub refunded: u64,
    /// Whether a callback was answered with 200.
    pub acknowledged: bool,
    settles_at: Instant,
}

/// A charge's state as the protocol names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Not known yet.
    Pending,
    /// Money taken.
    Succeeded,
    /// Money not taken.
    Failed,
}

impl Charge {
    /// The true state.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match (Instant::now() < self.settles_at, self.fate.succeeds) {
            (true, _) => Outcome::Pending,
            (false, true) => Outcome::Succeeded,
            (false, false) => Outcome::Failed,
        }
    }

    /// The state that a `GET` shows. Its answer carries no amount, so a charge over a wrong one
    /// shows as pending until the callback has told the amount.
    #[must_use]
    pub fn shown(&self) -> Outcome {
        if self.fate.surplus > 0 && !self.acknowledged {
            Outcome::Pending
        } else {
            self.outcome()
        }
    }

    /// Cents taken, whether or not they were given back.
    #[must_use]
    pub fn taken(&self) -> u64 {
        match self.outcome() {
            Outcome::Succeeded => self.amount,
            Outcome::Pending | Outcome::Failed => 0,
        }
    }

    /// Cents taken and not given back.
    #[must_use]
    pub fn kept(&self) -> u64 {
        self.taken() - self.refunded
    }
}

impl Ledger {
    /// The charge of a payment, created if it is new. True if it is.
    pub(super) fn charge(
        &self,
        payment_id: &str,
        order_id: &str,
        amount: u64,
        fate: Fate,
    ) -> (Charge, bool) {
        let mut books = self.lock();
        if let Some(charge) = books.charges.get(payment_id) {
            return (charge.clone(), false);
        }
        let charge = Charge {
            charge_id: format!("ch-{}", books.charges.len() + 1),
            payment_id: payment_id.to_owned(),
            order_id: order_id.to_owned(),
            amount: amount + fate.surplus,
            settles_at: Instant::now() + fate.settles_after,
            fate,
            refunded: 0,
            acknowledged: false,
        };
        books.charges.insert(payment_id.to_owned(), charge.clone());
        (charge, true)
    }

    /// Gives `amount` back, once for each `refund_id`.
    pub(super) fn refund(
        &self,
        refund_id: &str,
        payment_id: &str,
        amount: u64,
    ) -> Result<(), String> {
        let mut books = self.lock();
        if let Some(known) = books.refunds.get(refund_id) {
            return if *known == (payment_id.to_owned(), amount) {
                Ok(())
            } else {
                Err(format!(
                    "refund `{refund_id}` exists with another payment or amount"
                ))
            };
        }
        let charge = books
            .charges
            .get_mut(payment_id)
            .ok_or_else(|| format!("there is no payment `{payment_id}`"))?;
        if amount > charge.kept() {
            let kept = charge.kept();
            return Err(format!(
                "payment `{payment_id}` has {kept} left, not {amount}"
            ));
        }
        charge.refunded += amount;
        books
            .refunds
            .insert(refund_id.to_owned(), (payment_id.to_owned(), amount));
        Ok(())
    }

    /// The hiccup that a request is due: the planned one, the first time only.
    pub(super) fn hiccup(&self, request: &str, planned: Option<Hiccup>) -> Option<Hiccup> {
        let planned = planned?;
        let mut books = self.lock();
        let count = books.hiccups.entry(request.to_owned()).or_default();
        *count += 1;
        (*count == 1).then_some(planned)
    }

    pub(super) fn acknowledge(&self, payment_id: &str) {
        if let Some(charge) = self.lock().charges.get_mut(payment_id) {
            charge.acknowledged = true;
        }
    }

    /// A payment's charge.
    #[must_use]
    pub fn get(&self, payment_id: &str) -> Option<Charge> {
        self.lock().charges.get(payment_id).cloned()
    }

    /// All charges.
    #[must_use]
    pub fn charges(&self) -> Vec<Charge> {
        self.lock().charges.values().cloned().collect()
    }

    /// Cents given back in all.
    #[must_use]
    pub fn refunded(&self) -> u64 {
        self.lock().refunds.values().map(|(_, amount)| amount).sum()
    }

    /// Charges whose outcome the shop cannot know yet: undecided, or with a callback due.
    #[must_use]
    pub fn unsettled(&self) -> usize {
        let due = |charge: &&Charge| charge.fate.callbacks > 0 && !charge.acknowledged;
        let open = |charge: &&Charge| charge.outcome() == Outcome::Pending || due(charge);
        self.lock().charges.values().filter(open).count()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Books> {
        self.books.lock().expect("no panic while held")
    }
}

impl Charge {
    /// The time left until the outcome is known.
    #[must_use]
    pub fn settles_in(&self) -> Duration {
        self.settles_at.saturating_duration_since(Instant::now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Policy;

    fn fate() -> Fate {
        Policy::honest().fate("any")
    }

    #[test]
    fn a_charge_asked_for_twice_is_made_once() {
        let ledger = Ledger::default();
        let (first, new) = ledger.charge("p-1", "o-1", 500, fate());
        let (second, again) = ledger.charge("p-1", "o-1", 500, fate());
        assert!(new && !again);
        assert_eq!(first.charge_id, second.charge_id);
        assert_eq!(ledger.charges().len(), 1);
    }

    #[test]
    fn no_more_is_refunded_than_was_taken() {
        let ledger = Ledger::default();
        ledger.charge("p-1", "o-1", 500, fate());
        ledger.refund("r-1", "p-1", 500).unwrap();
        ledger.refund("r-1", "p-1", 500).unwrap();
        ledger.refund("r-2", "p-1", 1).unwrap_err();
        assert_eq!(ledger.refunded(), 500);
    }
}
