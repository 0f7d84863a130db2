//! What clients remember: what they sent and were not told of yet, and what they were promised.

use std::collections::VecDeque;

use wasmill_engine::{Accepted, Incoming, Refused};

use crate::host::{Dead, Host};

/// What was done and is not known to be durable yet, in its order.
#[derive(Debug)]
pub(crate) struct Awaiting<T>(VecDeque<(u64, T)>);

impl<T> Default for Awaiting<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T> Awaiting<T> {
    /// Something was done, which is durable once so many blocks are.
    pub(crate) fn push(&mut self, barrier: u64, it: T) {
        self.0.push_back((barrier, it));
    }

    /// Takes what is durable.
    pub(crate) fn told(&mut self, durable: u64) -> Vec<T> {
        let count = self.0.partition_point(|(barrier, _)| *barrier <= durable);
        self.0.drain(..count).map(|(_, it)| it).collect()
    }

    /// Takes all that is left.
    pub(crate) fn lost(&mut self) -> Vec<T> {
        self.0.drain(..).map(|(_, it)| it).collect()
    }

    /// What is not known to be durable.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|(_, it)| it)
    }
}

/// Something that a client sends under an id of its own.
pub(crate) trait Parcel: Clone {
    /// It as a message.
    fn incoming(&self) -> Incoming;
}

/// What was sent, and what became of it.
pub(crate) type Offered<T> = (T, Result<Accepted, Refused>);

/// A client that sends in order, and sends again in order what the host died with.
#[derive(Debug)]
pub(crate) struct Outbox<T> {
    waiting: VecDeque<T>,
    sent: Awaiting<T>,
    taken: Vec<T>,
}

impl<T> Default for Outbox<T> {
    fn default() -> Self {
        Self {
            waiting: VecDeque::new(),
            sent: Awaiting::default(),
            taken: Vec::new(),
        }
    }
}

impl<T: Parcel> Outbox<T> {
    /// Thinks of something to be sent behind what waits.
    pub(crate) fn push(&mut self, it: T) {
        self.waiting.push_back(it);
    }

    /// Sends at most `count` one by one, and tells `accepted` of each.
    pub(crate) fn send(
        &mut self,
        host: &mut Host,
        count: usize,
        mut accepted: impl FnMut(&T, Accepted),
    ) -> Result<(), Dead> {
        for _ in 0..count {
            let Some((it, answer)) = self.offer(host)? else {
                break;
            };
            accepted(&it, answer.expect("a message that no policy refuses"));
        }
        Ok(())
    }

    /// Sends the first that waits, if there is one. One that is refused stays the first.
    pub(crate) fn offer(&mut self, host: &mut Host) -> Result<Option<Offered<T>>, Dead> {
        let Some(it) = self.waiting.front() else {
            return Ok(None);
        };
        let sent = host.look_up(it.incoming())?;
        let (it, answer) = (it.clone(), host.offer(sent)?);
        if answer.is_ok() {
            self.sent.push(host.barrier(), it.clone());
            self.waiting.pop_front();
        }
        Ok(Some((it, answer)))
    }

    /// Gives up the first that waits.
    pub(crate) fn give_up(&mut self) {
        self.waiting.pop_front();
    }

    /// Sends at most `count` in one batch.
    pub(crate) fn send_batch(&mut self, host: &mut Host, count: usize) -> Result<(), Dead> {
        let count = count.min(self.waiting.len());
        let all = self.waiting.iter().take(count);
        let all = all.map(|it| host.look_up(it.incoming()));
        let all = all.collect::<Result<Vec<_>, Dead>>()?;
        let (answers, barrier) = host.accept_all(all)?;
        assert_eq!(answers.len(), count, "each message of a batch is answered");
        for it in self.waiting.drain(..count) {
            self.sent.push(barrier, it);
        }
        Ok(())
    }

    /// So many blocks are durable.
    pub(crate) fn durable(&mut self, blocks: u64) {
        self.taken.extend(self.sent.told(blocks));
    }

    /// The host died: what it did not acknowledge, which is returned, is to be sent again.
    pub(crate) fn restarted(&mut self) -> impl Iterator<Item = &T> {
        let lost = self.sent.lost();
        let count = lost.len();
        for it in lost.into_iter().rev() {
            self.waiting.push_front(it);
        }
        self.waiting.iter().take(count)
    }

    /// Whether everything was acknowledged.
    pub(crate) fn is_done(&self) -> bool {
        self.waiting.is_empty() && self.sent.iter().next().is_none()
    }

    /// What was acknowledged as durable.
    pub(crate) fn taken(&self) -> &[T] {
        &self.taken
    }
}
