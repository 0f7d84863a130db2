//! loyalty: how much a user has spent, and which tier that makes. Key: the user.

use std::num::NonZeroU64;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use wasmill_sdk::{Failure, Host, Level, Message, reject};

wasmill_sdk::export!(handle);

/// The entry of a user's account, in the state of their key.
const ACCOUNT: &str = "account";
/// The timer that rings when a user has bought nothing for long.
const QUIET: &str = "quiet";
/// How long an order is known, so that it counts once.
const ORDER_KNOWN: Duration = Duration::from_secs(24 * 60 * 60);
/// The most cents of an account: numbers in JSON are exact up to here, whoever reads them.
const SPENT_MAX: u64 = (1 << 53) - 1;
/// Milliseconds until the timer rings, unless the operator says otherwise: a year.
const QUIET_AFTER: NonZeroU64 = NonZeroU64::new(31_536_000_000).unwrap();

#[derive(Deserialize)]
struct Paid {
    order_id: String,
    /// Cents.
    amount: NonZeroU64,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Account {
    /// Cents.
    spent: u64,
    orders: u64,
    tier: Tier,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Tier {
    #[default]
    Bronze,
    Silver,
    Gold,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct TierChange {
    user: String,
    from: Tier,
    to: Tier,
    spent: u64,
}

fn handle(host: &mut impl Host, message: &Message) -> Result<(), Failure> {
    let user = message.key()?;
    match message.topic.as_str() {
        "order.paid" => count(host, user, message.json()?),
        "loyalty.quiet" => forget(host, user),
        _ => Err(message.unexpected()),
    }
}

fn count(host: &mut impl Host, user: &str, paid: Paid) -> Result<(), Failure> {
    if paid.order_id.is_empty() {
        return Err(reject("`order_id` is empty"));
    }
    if !host.claim(&paid.order_id, ORDER_KNOWN)? {
        return Ok(());
    }
    let before: Account = host.load(ACCOUNT)?.unwrap_or_default();
    let spent = before.spent.saturating_add(paid.amount.get());
    if spent > SPENT_MAX {
        return Err(reject("`amount`: it takes what was spent above 2^53 - 1"));
    }
    let account = Account {
        spent,
        orders: before.orders + 1,
        tier: tier(host, spent)?,
    };
    host.save(ACCOUNT, &account)?;
    let quiet = host.setting("quiet", QUIET_AFTER)?;
    let quiet = Duration::from_millis(quiet.get());
    host.set_timer(QUIET, quiet, "loyalty.quiet")?;
    tell(host, user, before.tier, &account)
}

fn forget(host: &mut impl Host, user: &str) -> Result<(), Failure> {
    let Some(Account { tier, .. }) = host.load(ACCOUNT)? else {
        return Ok(());
    };
    host.delete(ACCOUNT)?;
    tell(host, user, tier, &Account::default())
}

/// Which tier so many cents make.
fn tier(host: &impl Host, spent: u64) -> Result<Tier, Failure> {
    Ok(if spent >= host.setting("gold", 200_000)? {
        Tier::Gold
    } else if spent >= host.setting("silver", 50_000)? {
        Tier::Silver
    } else {
        Tier::Bronze
    })
}

/// Tells of a tier that is another one than before.
fn tell(host: &mut impl Host, user: &str, from: Tier, account: &Account) -> Result<(), Failure> {
    let Account { spent, tier, .. } = *account;
    if tier == from {
        return Ok(());
    }
    host.log(Level::Info, format_args!("{user}: {from:?} to {tier:?}"));
    let change = TierChange {
        user: user.to_owned(),
        from,
        to: tier,
        spent,
    };
    host.send("loyalty.tier", user, &change)
}

#[cfg(test)]
mod tests;
