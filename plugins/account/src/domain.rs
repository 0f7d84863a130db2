//! The rules of a balance: never below zero, and what an order took comes back once.

use serde::{Deserialize, Serialize};
use wasmill_plugin_kit::messages::User;

/// A user and what they have now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// As registered, with the balance at the beginning.
    pub user: User,
    /// Cents.
    pub balance: u64,
}

/// What the journal says of one order: each kind of change at most once, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "amount")]
pub enum Entry {
    /// It took this much.
    Debited(u64),
    /// It took this much and gave it back. Nothing: it never took any, and never will.
    Credited(u64),
    /// It could take nothing.
    Refused,
}

/// Why an account refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// No such user.
    #[error("unknown user")]
    Unknown,
}

/// Takes the smaller of the balance and `at_most`, for an order that was not answered before.
///
/// # Errors
/// If there is no such user.
pub fn debit(account: Option<Account>, at_most: u64) -> Result<(Account, u64), Rejection> {
    let mut account = account.ok_or(Rejection::Unknown)?;
    let amount = account.balance.min(at_most);
    account.balance -= amount;
    Ok((account, amount))
}

/// How much an order gives back, and what the journal then says. An order that took nothing gives
/// nothing back, but can take nothing any more either: its request is late.
#[must_use]
pub fn credit(entry: Option<Entry>) -> (u64, Entry) {
    match entry {
        Some(Entry::Debited(amount)) => (amount, Entry::Credited(amount)),
        Some(done) => (0, done),
        None => (0, Entry::Credited(0)),
    }
}

impl Account {
    /// With money that an order gave back.
    #[must_use]
    pub fn with_returned(mut self, amount: u64) -> Self {
        self.balance += amount;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(balance: u64) -> Account {
        let user = User {
            user_id: "ann".to_owned(),
            name: "Ann".to_owned(),
            email: "ann@example.org".to_owned(),
            phone: "1".to_owned(),
            balance: 700,
        };
        Account { user, balance }
    }

    #[test]
    fn a_debit_takes_the_smaller_of_balance_and_remainder() {
        let (left, taken) = debit(Some(account(700)), 1_000).expect("known");
        assert_eq!((left.balance, taken), (0, 700));
        let (left, taken) = debit(Some(account(700)), 300).expect("known");
        assert_eq!((left.balance, taken), (400, 300));
        assert_eq!(debit(None, 1), Err(Rejection::Unknown));
    }

    #[test]
    fn money_comes_back_once() {
        let (returned, entry) = credit(Some(Entry::Debited(300)));
        assert_eq!((returned, entry), (300, Entry::Credited(300)));
        assert_eq!(credit(Some(entry)), (0, Entry::Credited(300)));
    }

    #[test]
    fn money_that_was_never_taken_does_not_come_back() {
        assert_eq!(credit(None), (0, Entry::Credited(0)));
        assert_eq!(credit(Some(Entry::Refused)), (0, Entry::Refused));
    }
}
