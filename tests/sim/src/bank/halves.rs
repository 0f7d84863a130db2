//! Receipts: half messages of transfers, settled by their handlers, or left to the checks.

use serde::{Deserialize, Serialize};
use wasmill_model::effects::Failure;
use wasmill_model::{Decision, Half, When};
use wasmill_port::Call;
use wasmill_port::call::{HalfState, Outgoing};

use super::Transfer;
use crate::guest::{body, once, put};

/// Where receipts go to.
pub(crate) const TOPIC: &str = "receipt";

/// What a transfer does with its receipt.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) enum Receipt {
    Commit,
    RollBack,
    /// Leaves it to whoever is asked.
    Leave,
}

/// Prepares the transfer's receipt, and settles it with all else that the handler does. What was
/// decided stands in the account's state.
pub(super) async fn prepare(call: &mut Call, it: &Transfer) -> Result<(), Failure> {
    let Some(wanted) = it.receipt else {
        return Ok(());
    };
    let name = it.id.to_string();
    let receipt = Outgoing {
        topic: TOPIC.into(),
        key: Some(it.from.as_str().into()),
        tag: None,
        headers: Vec::new(),
        body: serde_json::to_vec(it).expect("a transfer").into(),
        when: match it.id.is_multiple_of(7) {
            true => When::After(it.id % 60),
            false => When::Now,
        },
    };
    let decision = match (call.prepare(&name, receipt).await?, wanted) {
        (HalfState::Decided(decision), _) => decision,
        (HalfState::Prepared, Receipt::Commit) => call.settle(&name, Decision::Commit)?,
        (HalfState::Prepared, Receipt::RollBack) => call.settle(&name, Decision::RollBack)?,
        (HalfState::Prepared, Receipt::Leave) => return Ok(()),
    };
    let committed = i64::from(decision == Decision::Commit);
    Ok(put(call, &format!("decided/{}", it.id), committed)?)
}

/// A receipt arrives.
pub(super) fn receive(call: &mut Call) -> Result<(), Failure> {
    let it: Transfer = body(call);
    once(call, &format!("received/{}", it.id))
}

/// What the owner of a receipt says when it is asked, which need not be what its handler wants.
pub(crate) fn verdict(half: &Half) -> Decision {
    let it: Transfer = serde_json::from_slice(&half.message.body).expect("a body of ours");
    of_id(it.id)
}

/// What becomes of a receipt that nobody else decides about.
pub(crate) fn of_id(id: u64) -> Decision {
    match id.is_multiple_of(2) {
        true => Decision::Commit,
        false => Decision::RollBack,
    }
}
