//! What the bank's clients were promised, held against a host that has settled.

use wasmill_model::Decision;

use super::halves::of_id;
use super::{INITIAL, PLUGIN, TimerOrder, Transfer};
use crate::guest::number;
use crate::host::{Dead, Host};

/// Checks every transfer that was acknowledged, and the books.
pub(super) fn check(host: &Host, taken: &[Transfer], accounts: &[String]) -> Result<(), Dead> {
    let (mut sent, mut dead) = (0, 0);
    for transfer in taken {
        let Transfer {
            id,
            from,
            to,
            poison,
            ..
        } = transfer;
        assert_eq!(
            has(host, from, "sent", *id)?,
            !poison,
            "transfer {id} was sent"
        );
        assert_eq!(has(host, to, "got", *id)?, !poison, "transfer {id} arrived");
        if *poison {
            dead += 1;
            continue;
        }
        sent += 1;
        if transfer.receipt.is_some() {
            check_receipt(host, transfer)?;
        }
        if let Some(TimerOrder::Set { .. }) = transfer.timer {
            let rung = has(host, from, "rung", *id)?;
            let retired = has(host, from, "retired", *id)?;
            assert!(
                rung != retired,
                "timer {id}: rung {rung}, retired {retired}"
            );
        }
    }
    check_books(host, accounts)?;
    let tally = read(host, "tally", "tally")?.unwrap_or(0);
    assert_eq!(tally, sent, "each credit was tallied once");
    let letters = host.letters("transfer")?.len();
    assert_eq!(letters, dead, "each poison message is one dead letter");
    Ok(())
}

fn check_books(host: &Host, accounts: &[String]) -> Result<(), Dead> {
    let balance = |account: &String| Ok(read(host, account, "balance")?.unwrap_or(INITIAL));
    let total: i64 = accounts.iter().map(balance).sum::<Result<_, Dead>>()?;
    let count = i64::try_from(accounts.len()).expect("few accounts");
    assert_eq!(total, INITIAL * count, "money is neither made nor lost");
    Ok(())
}

/// A receipt arrives if and only if it was committed, whoever decided.
fn check_receipt(host: &Host, Transfer { id, from, .. }: &Transfer) -> Result<(), Dead> {
    let received = has(host, from, "received", *id)?;
    let committed = match read(host, from, &format!("decided/{id}"))? {
        Some(decided) => decided == 1,
        None => of_id(*id) == Decision::Commit,
    };
    assert_eq!(received, committed, "receipt {id} arrived");
    Ok(())
}

/// Whether something happened under an account to what has this id.
fn has(host: &Host, account: &str, what: &str, id: u64) -> Result<bool, Dead> {
    let mark = host.state(PLUGIN, account, &format!("{what}/{id}"))?;
    Ok(mark.is_some())
}

fn read(host: &Host, key: &str, name: &str) -> Result<Option<i64>, Dead> {
    Ok(number(host.state(PLUGIN, key, name)?.as_ref()))
}
