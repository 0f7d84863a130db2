//! What clients of the simulated host were promised, and the check at the end.

use std::collections::BTreeMap;

use wasmill_model::Decision;

use crate::bank::{INITIAL, TimerOrder, Transfer, number, of_id};
use crate::host::Host;

/// Every transfer that was acknowledged as durable.
#[derive(Debug, Default)]
pub(crate) struct Promises {
    pub(crate) acknowledged: BTreeMap<u64, Transfer>,
}

impl Promises {
    /// Holds a host that has settled against what was promised.
    pub(crate) fn check(&self, host: &mut Host, accounts: &[String]) {
        let (mut sent, mut dead) = (0, 0);
        for transfer in self.acknowledged.values() {
            let state = |key: &str, name: &str| host.state(key, name);
            let was_sent = state(&transfer.from, &format!("sent/{}", transfer.id)).is_some();
            let was_got = state(&transfer.to, &format!("got/{}", transfer.id)).is_some();
            assert_eq!(
                was_sent, !transfer.poison,
                "transfer {} was sent",
                transfer.id
            );
            assert_eq!(
                was_got, !transfer.poison,
                "transfer {} arrived",
                transfer.id
            );
            match transfer.poison {
                true => dead += 1,
                false => sent += 1,
            }
            if transfer.receipt.is_some() && was_sent {
                check_receipt(host, transfer);
            }
            if let Some(TimerOrder::Set { .. }) = transfer.timer
                && was_sent
            {
                let rung = state(&transfer.from, &format!("rung/{}", transfer.id)).is_some();
                let retired = state(&transfer.from, &format!("retired/{}", transfer.id)).is_some();
                assert!(
                    rung != retired,
                    "timer {}: rung {rung}, retired {retired}",
                    transfer.id
                );
            }
        }
        let balance = |account: &String| number(host.state(account, "balance").as_ref());
        let total: i64 = accounts
            .iter()
            .map(|it| balance(it).unwrap_or(INITIAL))
            .sum();
        let accounts_count = i64::try_from(accounts.len()).expect("few accounts");
        assert_eq!(
            total,
            INITIAL * accounts_count,
            "money is neither made nor lost"
        );
        let tally = number(host.state("tally", "tally").as_ref()).unwrap_or(0);
        assert_eq!(tally, sent, "each credit was tallied once");
        assert_eq!(
            host.dead_letters(),
            dead,
            "each poison message is one dead letter"
        );
    }
}

/// A receipt arrives if and only if it was committed, whoever decided.
fn check_receipt(host: &Host, Transfer { id, from, .. }: &Transfer) {
    let received = host.state(from, &format!("received/{id}")).is_some();
    let decided = number(host.state(from, &format!("decided/{id}")).as_ref());
    let committed = match decided {
        Some(decided) => decided == 1,
        None => of_id(*id) == Decision::Commit,
    };
    assert_eq!(received, committed, "receipt {id} arrived");
}
