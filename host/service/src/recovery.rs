//! Recovery: from what the store holds to an engine that is where it was.

use std::sync::Arc;

use wasmill_engine::{Action, Engine, PageRef, Recovery, layout};
use wasmill_model::{Millis, Routes};
use wasmill_port::store::{Acquired, Change, Log, View};

use crate::start::StartError;

/// Entries of the view read at once.
const SCAN_COUNT: usize = 1_000;

/// An engine that is where it was, and what the view and the log held.
#[derive(Debug)]
pub struct Recovered {
    /// The engine.
    pub engine: Engine,
    /// The view holds everything before this block.
    pub view_block: u64,
}

/// Recovers the engine from `log`, which was just acquired, and `view`.
///
/// # Errors
/// [`StartError`] if the store cannot be read, or does not fit together.
pub fn recover(
    config: wasmill_engine::Config,
    routes: &Arc<Routes>,
    log: &impl Log,
    acquired: Acquired,
    view: &impl View,
    now: Millis,
) -> Result<Recovered, StartError> {
    let meta = view.get(layout::META)?;
    let mut recovery = Recovery::new(config, routes, meta.as_deref())?;
    for prefix in Recovery::prefixes() {
        each_entry(
            view,
            &prefix,
            |key, value| Ok(recovery.restore(key, value)?),
        )?;
    }
    let first = recovery.next_block();
    if first < acquired.first || first > acquired.next {
        return Err(StartError::Gap {
            first,
            log_first: acquired.first,
            log_next: acquired.next,
        });
    }
    for number in first..acquired.next {
        let missing = StartError::Gap {
            first: number,
            log_first: acquired.first,
            log_next: acquired.next,
        };
        let block = log.read(number)?.ok_or(missing)?;
        recovery.replay(&block)?;
        settle_actions(recovery.engine(), view)?;
    }
    tracing::info!(blocks = acquired.next - first, first, "recovered");
    let engine = recovery.finish(now);
    Ok(Recovered {
        engine,
        view_block: first,
    })
}

/// Writes and loads the pages that replay asks for. Nothing else comes of it: no run starts and
/// no timer fires before the engine is live.
fn settle_actions(engine: &mut Engine, view: &impl View) -> Result<(), StartError> {
    loop {
        let actions = engine.take_actions();
        if actions.is_empty() {
            return Ok(());
        }
        for action in actions {
            match action {
                Action::WritePage(page, bytes) => {
                    view.write(vec![Change::put(key(&page), bytes.into())])?;
                }
                Action::LoadPage(page) => {
                    let bytes = view
                        .get(&key(&page))?
                        .ok_or_else(|| StartError::MissingPage {
                            number: page.number,
                            subscription: page.subscription.clone(),
                        })?;
                    engine.page_loaded(&page, &bytes)?;
                }
                Action::Run(_)
                | Action::LoadTimers { .. }
                | Action::Watched(_)
                | Action::Check(_)
                | Action::Buried(..) => {}
            }
        }
    }
}

fn key(page: &PageRef) -> Vec<u8> {
    layout::page(page.partition, &page.subscription, &page.queue, page.number)
}

fn each_entry(
    view: &impl View,
    prefix: &[u8],
    mut visit: impl FnMut(&[u8], &[u8]) -> Result<(), StartError>,
) -> Result<(), StartError> {
    let mut from = prefix.to_vec();
    loop {
        let entries = view.scan(prefix, &from, SCAN_COUNT)?;
        for (key, value) in &entries {
            visit(key, value)?;
        }
        match entries.last() {
            Some((last, _)) if entries.len() == SCAN_COUNT => {
                from.clone_from(last);
                from.push(0);
            }
            _ => return Ok(()),
        }
    }
}
