//! account: users and their balances. Key: the user id.
//!
//! State: `account`, and one `journal/<order>` for each order that ever asked.

pub mod domain;
mod door;

use serde::{Deserialize, Serialize};
use wasmill_plugin_kit::messages::{Credit, Debit, Debited, Rejected, User, topic};
use wasmill_sdk::{Failure, Host, Message, Request, Response, reject};

use domain::{Account, Entry};
pub use door::admit;

wasmill_sdk::export!(handle, admit, answer);

/// Handles a message of the user who is its key.
///
/// # Errors
/// What the host refused, or a message that is none of ours.
pub fn handle(host: &mut impl Host, message: &Message) -> Result<(), Failure> {
    match message.topic.as_str() {
        topic::ACCOUNT_DEBIT => debit(host, &message.json()?),
        topic::ACCOUNT_CREDIT => credit(host, &message.json()?),
        topic::USER_REGISTER => register(host, &message.json()?),
        _ => Err(message.unexpected()),
    }
}

/// Answers `GET /users/{id}`.
pub fn answer(host: &mut impl Host, _user_id: &str, _request: &Request) -> Response {
    Response::of_state(host, "account", "user", |account: Account| {
        let Account { user, balance } = account;
        Response::ok(
            &View {
                user_id: user.user_id,
                name: user.name,
                balance,
            },
            true,
        )
    })
}

/// A user as `GET /users/{id}` shows them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// The user.
    pub user_id: String,
    /// For people.
    pub name: String,
    /// Cents.
    pub balance: u64,
}

/// Saves the user and tells. Who is known already stays as they are.
fn register(host: &mut impl Host, user: &User) -> Result<(), Failure> {
    if host.get("account")?.is_some() {
        return Ok(());
    }
    host.save(
        "account",
        &Account {
            user: user.clone(),
            balance: user.balance,
        },
    )?;
    host.send(topic::USER_REGISTERED, &user.user_id, user)
}

fn debit(host: &mut impl Host, ask: &Debit) -> Result<(), Failure> {
    let journal = journal_of(&ask.order_id);
    if host.get(&journal)?.is_some() {
        return Ok(());
    }
    match domain::debit(host.load("account")?, ask.at_most) {
        Ok((account, amount)) => {
            host.save("account", &account)?;
            host.save(&journal, &Entry::Debited(amount))?;
            let debited = Debited {
                order_id: ask.order_id.clone(),
                amount,
            };
            host.send(topic::ACCOUNT_DEBITED, &ask.order_id, &debited)
        }
        Err(rejection) => {
            host.save(&journal, &Entry::Refused)?;
            let rejected = Rejected {
                order_id: ask.order_id.clone(),
                by: ask.user_id.clone(),
                cause: rejection.to_string(),
            };
            host.send(topic::ACCOUNT_REJECTED, &ask.order_id, &rejected)
        }
    }
}

fn credit(host: &mut impl Host, ask: &Credit) -> Result<(), Failure> {
    let journal = journal_of(&ask.order_id);
    let (returned, entry) = domain::credit(host.load(&journal)?);
    if returned > 0 {
        let account: Option<Account> = host.load("account")?;
        let account = account.ok_or_else(|| reject("money of a user who does not exist"))?;
        host.save("account", &account.with_returned(returned))?;
    }
    host.save(&journal, &entry)
}

fn journal_of(order_id: &str) -> String {
    format!("journal/{order_id}")
}
