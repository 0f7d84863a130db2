//! A queue far longer than memory: its ends are held, its middle lies in pages of the view.
//!
//! Messages enter at the tail and leave at the head. A full tail becomes a page, numbered in
//! order and never changed; an empty head is filled from the oldest page. Pages are deleted with
//! the checkpoint that no longer needs them.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use wasmill_model::{Message, Name};

/// A tail of this size becomes a page: under the 48 KiB that the store keeps in one value.
const PAGE_BYTES: usize = 40 << 10;

/// A message that waits for a subscription's handler.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// Its number in the partition.
    pub seq: u64,
    /// Its key in the subscription.
    pub key: Option<Name>,
    /// How many deliveries have failed.
    pub attempts: u32,
    /// The message.
    pub message: Arc<Message>,
}

/// Which queue of a subscription in a partition.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum QueueId {
    /// Messages not yet given to lanes.
    Backlog,
    /// Messages behind a busy or parked key.
    Key(Name),
}

/// What a push filled, to be written to the view.
#[derive(Debug)]
pub(crate) struct SealedPage {
    pub(crate) number: u64,
    pub(crate) messages: Vec<Pending>,
}

/// What a pop finds.
#[derive(Debug)]
pub(crate) enum Pop {
    Message(Pending),
    /// The oldest message is in this page, to be loaded.
    Load(u64),
    /// A load is under way.
    Loading,
    Empty,
}

/// What is kept of a queue in a checkpoint, besides its pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BacklogMark {
    /// The oldest page that is needed.
    first_page: u64,
    /// Messages up to this number have left the queue, though the oldest page may have them.
    after: Option<u64>,
    /// The number that the next page gets.
    next_page: u64,
    len: u64,
}

impl BacklogMark {
    /// How many messages the queue holds.
    pub(crate) fn len(self) -> u64 {
        self.len
    }

    /// Whether a message that lies in a page is in the queue: it has not left, and the page is one
    /// of the queue's, not what a host left there that died before it was durable.
    pub(crate) fn has(self, page: u64, seq: u64) -> bool {
        let is_own = (self.first_page..self.next_page).contains(&page);
        is_own && self.after.is_none_or(|left| seq > left)
    }
}

/// A queue with its ends in memory.
#[derive(Debug, Default)]
pub(crate) struct Backlog {
    head: VecDeque<Pending>,
    /// The page that the head is.
    head_page: u64,
    /// Whether the view has that page.
    head_written: bool,
    /// Pages from here up to `next_page` lie in the view only.
    first_page: u64,
    next_page: u64,
    /// Pages before this one are deleted.
    trimmed: u64,
    loading: bool,
    tail: Vec<Pending>,
    tail_bytes: usize,
    len: u64,
    /// The last message that left: what a page still has of it, and before it, is skipped.
    left: Option<u64>,
}

impl Backlog {
    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// The oldest message that is not in a page.
    pub(crate) fn first_in_memory(&self) -> Option<&Pending> {
        self.head.front().or(self.tail.first())
    }

    /// Whether no message of a lower number than `before` is left, as far as that can be told
    /// without reading a page.
    pub(crate) fn is_past(&self, before: u64) -> bool {
        // Numbers rise from one message to the next.
        let has_left = self.left.is_some_and(|left| left + 1 >= before);
        let first = match self.first_page < self.next_page {
            true => self.head.front(),
            false => self.first_in_memory(),
        };
        self.is_empty() || has_left || first.is_some_and(|it| it.seq >= before)
    }

    /// Takes the oldest message, unless its number is `before` or more.
    pub(crate) fn pop_before(&mut self, before: u64) -> Pop {
        match self.is_past(before) {
            true => Pop::Empty,
            false => self.pop(),
        }
    }

    /// Appends a message; returns the page that this filled.
    pub(crate) fn push(&mut self, message: Pending) -> Option<SealedPage> {
        self.len += 1;
        self.tail_bytes += message.message.footprint();
        self.tail.push(message);
        (self.tail_bytes >= PAGE_BYTES).then(|| self.seal_tail())
    }

    /// Takes the oldest message.
    pub(crate) fn pop(&mut self) -> Pop {
        if self.head.is_empty() {
            if self.loading {
                return Pop::Loading;
            }
            if self.first_page < self.next_page {
                self.loading = true;
                return Pop::Load(self.first_page);
            }
            self.begin_head_from_tail();
        }
        match self.head.pop_front() {
            Some(message) => {
                self.len -= 1;
                self.left = Some(message.seq);
                Pop::Message(message)
            }
            None => Pop::Empty,
        }
    }

    /// Fills the head from the page that a pop asked for.
    pub(crate) fn loaded(&mut self, page: u64, messages: Vec<Pending>) {
        debug_assert!(
            self.loading && page == self.first_page,
            "pages are loaded in order"
        );
        self.loading = false;
        self.first_page += 1;
        self.head_page = page;
        self.head_written = true;
        let left = self.left;
        self.head.extend(
            messages
                .into_iter()
                .filter(|m| left.is_none_or(|left| m.seq > left)),
        );
    }

    /// What to keep in a checkpoint, and pages to write before it: with them, all messages of
    /// the queue are in pages.
    pub(crate) fn checkpoint(&mut self) -> (BacklogMark, Vec<SealedPage>) {
        let mut pages = Vec::new();
        if !self.head.is_empty() && !self.head_written {
            self.head_written = true;
            let messages = self.head.iter().cloned().collect();
            pages.push(SealedPage {
                number: self.head_page,
                messages,
            });
        }
        if !self.tail.is_empty() {
            pages.push(self.seal_tail());
        }
        let first_page = if self.head.is_empty() {
            self.first_page
        } else {
            self.head_page
        };
        let Self {
            left: after,
            next_page,
            len,
            ..
        } = *self;
        (
            BacklogMark {
                first_page,
                after,
                next_page,
                len,
            },
            pages,
        )
    }

    /// The pages that a checkpoint with this mark no longer needs.
    pub(crate) fn trim(&mut self, mark: BacklogMark) -> std::ops::Range<u64> {
        let from = std::mem::replace(&mut self.trimmed, mark.first_page);
        from..mark.first_page
    }

    /// The queue as a checkpoint kept it.
    pub(crate) fn restore(mark: BacklogMark) -> Self {
        Self {
            first_page: mark.first_page,
            next_page: mark.next_page,
            trimmed: mark.first_page,
            left: mark.after,
            len: mark.len,
            ..Self::default()
        }
    }

    /// The tail becomes the head: a page that may never need writing.
    fn begin_head_from_tail(&mut self) {
        self.head.extend(self.tail.drain(..));
        self.tail_bytes = 0;
        self.head_page = self.next_page;
        self.head_written = false;
        self.next_page += 1;
        self.first_page = self.next_page;
    }

    fn seal_tail(&mut self) -> SealedPage {
        let number = self.next_page;
        self.next_page += 1;
        self.tail_bytes = 0;
        SealedPage {
            number,
            messages: std::mem::take(&mut self.tail),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use bytes::Bytes;
    use wasmill_model::{MessageId, Millis};

    use super::*;

    fn pending(seq: u64) -> Pending {
        let message = Message {
            id: MessageId(u128::from(seq)),
            topic: "t".into(),
            key: None,
            tag: None,
            headers: Vec::new(),
            body: Bytes::from(vec![0; 5_000]),
            produced_at: Millis(0),
            correlation: MessageId(0),
            causation: None,
            timer: None,
        };
        Pending {
            seq,
            key: None,
            attempts: 0,
            message: Arc::new(message),
        }
    }

    #[test]
    fn a_queue_has_what_lies_in_pages_of_its_own_and_has_not_left() {
        let mark = |after| BacklogMark {
            after,
            first_page: 3,
            next_page: 5,
            ..BacklogMark::default()
        };
        let pages = [2, 3, 4, 5];
        assert_eq!(
            pages.map(|page| mark(None).has(page, 0)),
            [false, true, true, false]
        );
        assert_eq!(
            [6, 7, 8].map(|seq| mark(Some(7)).has(3, seq)),
            [false, false, true]
        );
        assert!(!mark(Some(7)).has(5, 8), "a dead host's page");
    }

    /// Pops one message, loading pages from `view` as asked.
    fn pop(queue: &mut Backlog, view: &BTreeMap<u64, Vec<Pending>>) -> Option<u64> {
        loop {
            match queue.pop() {
                Pop::Message(message) => return Some(message.seq),
                Pop::Load(page) => queue.loaded(page, view[&page].clone()),
                Pop::Loading => unreachable!("loads are answered at once"),
                Pop::Empty => return None,
            }
        }
    }

    #[test]
    fn a_queue_is_past_a_number_as_soon_as_that_can_be_told_without_reading() {
        let (mut queue, mut view) = (Backlog::default(), BTreeMap::new());
        assert!(queue.is_past(1), "it is empty");
        for seq in 0..20 {
            if let Some(page) = queue.push(pending(seq)) {
                view.insert(page.number, page.messages);
            }
        }
        assert!(view.len() > 1, "two pages, and a tail");
        assert!(!queue.is_past(5));
        assert!(!queue.is_past(0), "what is in a page is not known");
        let pop_before = |queue: &mut Backlog, before| loop {
            match queue.pop_before(before) {
                Pop::Message(it) => return Some(it.seq),
                Pop::Load(page) => queue.loaded(page, view[&page].clone()),
                Pop::Loading | Pop::Empty => return None,
            }
        };
        for seq in 0..5 {
            assert_eq!(pop_before(&mut queue, 5), Some(seq));
        }
        assert!(queue.is_past(5) && !queue.is_past(6));
        assert_eq!(pop_before(&mut queue, 5), None);
        let mut queue = Backlog::restore(queue.checkpoint().0);
        assert!(queue.is_past(5) && !queue.is_past(6), "after a restart too");
        assert_eq!(pop_before(&mut queue, 6), Some(5));
        assert!(queue.is_past(6) && !queue.is_past(8));
        assert_eq!(pop_before(&mut queue, 20), Some(6));
    }

    #[test]
    fn messages_leave_in_order_through_pages_checkpoints_and_restarts() {
        for period in 1..12_u64 {
            let (mut queue, mut view) = (Backlog::default(), BTreeMap::new());
            let (mut next_in, mut next_out) = (0_u64, 0_u64);
            for step in 0..400_u64 {
                for _ in 0..(step * 7 % period) {
                    if let Some(page) = queue.push(pending(next_in)) {
                        view.insert(page.number, page.messages);
                    }
                    next_in += 1;
                }
                for _ in 0..(step * 5 % period) {
                    if let Some(seq) = pop(&mut queue, &view) {
                        assert_eq!(seq, next_out, "period {period}");
                        next_out += 1;
                    }
                }
                if step % (period + 3) == 0 {
                    let (mark, pages) = queue.checkpoint();
                    view.extend(pages.into_iter().map(|page| (page.number, page.messages)));
                    for number in queue.trim(mark) {
                        view.remove(&number);
                    }
                    if step % 2 == 0 {
                        queue = Backlog::restore(mark);
                    }
                    // A page that was loaded and not popped from yet, when the next one comes.
                    if let Pop::Load(page) = queue.pop() {
                        queue.loaded(page, view[&page].clone());
                        queue = Backlog::restore(queue.checkpoint().0);
                    } else if queue.len < next_in - next_out {
                        next_out += 1;
                    }
                }
                assert_eq!(queue.len, next_in - next_out);
            }
            while let Some(seq) = pop(&mut queue, &view) {
                assert_eq!(seq, next_out);
                next_out += 1;
            }
            assert_eq!(next_out, next_in);
        }
    }
}
