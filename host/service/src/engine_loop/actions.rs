//! What the engine asks for: runs to the runtime, pages and timers to the view's thread.

use std::sync::atomic::Ordering;

use wasmill_engine::{Action, Engine, RunRequest, layout};
use wasmill_port::Guests;

use super::EngineLoop;
use crate::command::ViewCommand;
use crate::replies::Reply;

impl<G: Guests> EngineLoop<G> {
    /// Does what the engine asked for.
    pub(super) fn perform_actions(&mut self) {
        for action in self.engine.take_actions() {
            match action {
                Action::Run(request) => self.start(request),
                Action::WritePage(page, bytes) => {
                    let key =
                        layout::page(page.partition, &page.subscription, &page.queue, page.number);
                    self.page_bytes.fetch_add(bytes.len(), Ordering::Relaxed);
                    self.ask_view(ViewCommand::WritePage { key, bytes });
                }
                Action::LoadPage(page) => self.ask_view(ViewCommand::LoadPage { page }),
                Action::LoadTimers {
                    partition,
                    after,
                    limit,
                } => {
                    let after = Engine::timer_key(partition, after);
                    self.ask_view(ViewCommand::LoadTimers {
                        partition,
                        after,
                        limit,
                    });
                }
                Action::Check(request) => self.checker.ask(request, self.engine.routes()),
                Action::Buried(id, letter) => self.state.burials.add(&id, &letter, &self.metrics),
                Action::Watched(message) => {
                    let barrier = self.engine.barrier();
                    for sender in self.state.waiters.take(&message) {
                        self.engine.unwatch(message.correlation);
                        let reply = Reply::Outcome(sender, message.clone());
                        self.state.replies.push(barrier, reply, self.durable);
                    }
                }
            }
        }
    }

    fn start(&mut self, request: RunRequest) {
        match request.barrier {
            Some(barrier) if barrier > self.durable => {
                self.state.gated.push_back((barrier, request));
            }
            _ => self.deliverer.start(request),
        }
    }

    pub(super) fn ask_view(&self, command: ViewCommand) {
        // The view's thread has ended only after it reported a failure.
        let _ = self.view.send(command);
    }
}
