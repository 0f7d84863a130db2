//! Turns to compute: as many calls compute at once as there are threads for them, and when more
//! want to, plugins take turns by their shares.
//!
//! A call gives its seat up when it waits, for an HTTP answer say, and when it has computed for a
//! tick of the engine's epoch. Left to the runtime, a thousand calls of one plugin that burn all
//! their ticks would each go before a neighbour's next message. As long as there are seats for all,
//! a turn costs three atomic operations, a reading of the clock, and no lock.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};

use wasmill_model::Name;

use super::fair::Fair;

thread_local! {
    /// Whether the guest that is polled on this thread has just used its tick up.
    static TICKED: Cell<bool> = const { Cell::new(false) };
}

/// A turn that was shorter than this when a tick came: whoever was called just before it has not had
/// its due, and goes on as soon as the runtime comes to it. So short calls never queue for their ticks.
const BRIEF: Duration = Duration::from_millis(1);

/// The guest that this thread polls has computed for a tick, and is about to yield.
pub(crate) fn tick() {
    TICKED.set(true);
}

/// The seats in which calls compute, and who waits for one.
#[derive(Debug)]
pub(crate) struct Turns {
    seats: usize,
    brief: Duration,
    taken: AtomicUsize,
    /// How many wait in `queue`: who leaves without any need not lock it.
    waiting: AtomicUsize,
    // Never held across an await, and only while somebody waits.
    queue: Mutex<Fair<Arc<Ticket>>>,
}

/// A call that waits for a seat.
#[derive(Debug)]
struct Ticket(Mutex<Waits>);

#[derive(Debug)]
enum Waits {
    For(Waker),
    NoLonger,
}

impl Turns {
    pub(crate) fn new(seats: usize) -> Self {
        Self {
            seats: seats.max(1),
            brief: BRIEF,
            taken: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            queue: Mutex::default(),
        }
    }

    /// Runs `work` of a plugin that has this share, turn by turn. It is pinned by the caller: a
    /// future that owned it would be twice its size, and a run's is moved and allocated.
    pub(crate) async fn take<T>(
        &self,
        plugin: &Name,
        share: u32,
        mut work: Pin<&mut impl Future<Output = T>>,
    ) -> T {
        let mut place = Place {
            turns: self,
            plugin,
            share,
            stands: Stands::Outside,
        };
        poll_fn(|context| {
            ready!(place.poll_sit(context));
            TICKED.set(false);
            let polled = work.as_mut().poll(context);
            match polled {
                Poll::Pending if TICKED.take() && !place.is_brief() => place.queue_again(context),
                _ => place.leave(),
            }
            polled
        })
        .await
    }

    /// Takes a seat if one is free.
    fn try_sit(&self) -> bool {
        let free = |taken| (taken < self.seats).then_some(taken + 1);
        self.taken.fetch_update(SeqCst, SeqCst, free).is_ok()
    }

    /// Gives free seats to those who wait. Whoever frees a seat while somebody waits, and whoever
    /// begins to wait and has said so, does this after it: no seat stays free while somebody waits.
    fn hand_out(&self, queue: &mut Fair<Arc<Ticket>>) {
        while queue.len() > 0 && self.try_sit() {
            match queue.pop() {
                Some(ticket) => ticket.grant(),
                None => unreachable!("somebody waits"),
            }
        }
        self.waiting.store(queue.len(), SeqCst);
    }

    fn queue(&self) -> MutexGuard<'_, Fair<Arc<Ticket>>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket {
    fn grant(&self) {
        if let Waits::For(waker) = std::mem::replace(&mut *self.waits(), Waits::NoLonger) {
            waker.wake();
        }
    }

    fn is_granted(&self) -> bool {
        matches!(*self.waits(), Waits::NoLonger)
    }

    fn waits(&self) -> MutexGuard<'_, Waits> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a call stands.
struct Place<'a> {
    turns: &'a Turns,
    plugin: &'a Name,
    share: u32,
    stands: Stands,
}

enum Stands {
    /// It does not compute.
    Outside,
    /// In the queue.
    Queued(Arc<Ticket>),
    /// In a seat since then.
    Seated(Instant),
}

impl Place<'_> {
    fn poll_sit(&mut self, context: &Context<'_>) -> Poll<()> {
        match &self.stands {
            Stands::Seated(_) => return Poll::Ready(()),
            Stands::Queued(ticket) => {
                let mut waits = ticket.waits();
                if let Waits::For(waker) = &mut *waits {
                    waker.clone_from(context.waker());
                    return Poll::Pending;
                }
            }
            Stands::Outside => {
                let nobody_waits = self.turns.waiting.load(SeqCst) == 0;
                if !(nobody_waits && self.turns.try_sit()) {
                    let mut queue = self.turns.queue();
                    let ticket = self.line_up(&mut queue, context);
                    self.turns.hand_out(&mut queue);
                    drop(queue);
                    if !ticket.is_granted() {
                        return Poll::Pending;
                    }
                }
            }
        }
        self.stands = Stands::Seated(Instant::now());
        Poll::Ready(())
    }

    /// Whether it has its seat for a moment only.
    fn is_brief(&self) -> bool {
        matches!(self.stands, Stands::Seated(since) if since.elapsed() < self.turns.brief)
    }

    /// Gives the seat up. Time counts only while others wait: nobody else could have used it.
    fn leave(&mut self) {
        if let Stands::Seated(since) = std::mem::replace(&mut self.stands, Stands::Outside) {
            self.turns.taken.fetch_sub(1, SeqCst);
            if self.turns.waiting.load(SeqCst) > 0 {
                let mut queue = self.turns.queue();
                queue.charge(self.plugin, self.share, nanos(since.elapsed()));
                self.turns.hand_out(&mut queue);
            }
        }
    }

    /// Gives the seat up and waits for the next turn.
    fn queue_again(&mut self, context: &Context<'_>) {
        let mut queue = self.turns.queue();
        if let Stands::Seated(since) = self.stands {
            self.turns.taken.fetch_sub(1, SeqCst);
            queue.charge(self.plugin, self.share, nanos(since.elapsed()));
        }
        self.line_up(&mut queue, context);
        self.turns.hand_out(&mut queue);
    }

    fn line_up(&mut self, queue: &mut Fair<Arc<Ticket>>, context: &Context<'_>) -> Arc<Ticket> {
        let waits = Waits::For(context.waker().clone());
        let ticket = Arc::new(Ticket(Mutex::new(waits)));
        queue.push(self.plugin, ticket.clone());
        // Told before seats are looked at: who leaves one after that look sees that somebody waits.
        self.turns.waiting.store(queue.len(), SeqCst);
        self.stands = Stands::Queued(ticket.clone());
        ticket
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let Stands::Queued(ticket) = &self.stands else {
            return self.leave();
        };
        // Seats are handed out under this lock only: it has one by now, or will never get one.
        let mut queue = self.turns.queue();
        if ticket.is_granted() {
            self.turns.taken.fetch_sub(1, SeqCst);
        } else {
            queue.remove(self.plugin, |it| Arc::ptr_eq(it, ticket));
        }
        self.turns.hand_out(&mut queue);
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::atomic::AtomicBool;

    use super::*;

    /// Turns that are whole ones however short they are.
    fn turns(seats: usize) -> Arc<Turns> {
        Arc::new(Turns {
            brief: Duration::ZERO,
            ..Turns::new(seats)
        })
    }

    /// Computes for so many ticks.
    async fn burn(mut ticks: u32) {
        poll_fn(|context| {
            if ticks == 0 {
                return Poll::Ready(());
            }
            ticks -= 1;
            tick();
            // As the engine's own yield does.
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    #[tokio::test]
    async fn a_neighbours_calls_do_not_wait_for_those_of_a_plugin_that_burns() {
        let turns = turns(1);
        let burnt = Arc::new(AtomicUsize::new(0));
        let stop = Arc::new(AtomicBool::new(false));
        let burners: Vec<_> = (0..500)
            .map(|_| {
                let (turns, burnt, stop) = (turns.clone(), burnt.clone(), stop.clone());
                tokio::spawn(async move {
                    let burning = async {
                        while !stop.load(SeqCst) {
                            // The tick must take some time, to be charged for.
                            let began = Instant::now();
                            while began.elapsed() < Duration::from_micros(50) {}
                            burnt.fetch_add(1, SeqCst);
                            burn(1).await;
                        }
                    };
                    turns.take(&"burner".into(), 10, pin!(burning)).await;
                })
            })
            .collect();
        while burnt.load(SeqCst) < 500 {
            tokio::task::yield_now().await;
        }
        let before = burnt.load(SeqCst);
        for _ in 0..100 {
            turns.take(&"neighbour".into(), 10, pin!(async {})).await;
        }
        let meanwhile = burnt.load(SeqCst) - before;
        assert!(
            meanwhile <= 200,
            "{meanwhile} turns of others for 100 calls"
        );
        stop.store(true, SeqCst);
        for burner in burners {
            burner.await.unwrap();
        }
        assert_eq!(turns.taken.load(SeqCst), 0);
        assert_eq!(turns.waiting.load(SeqCst), 0);
    }

    #[test]
    fn a_seat_that_is_left_while_another_call_lines_up_goes_to_that_call() {
        let turns = turns(1);
        let name = Name::from("p");
        let place = || Place {
            turns: &turns,
            plugin: &name,
            share: 1,
            stands: Stands::Outside,
        };
        let context = Context::from_waker(Waker::noop());
        let (mut leaves, mut comes) = (place(), place());
        assert!(leaves.poll_sit(&context).is_ready());
        // It has looked for a seat in vain, and has not been heard of since.
        let ticket = comes.line_up(&mut turns.queue(), &context);
        leaves.leave();
        assert!(ticket.is_granted(), "a free seat, and a call that waits");
        assert!(comes.poll_sit(&context).is_ready());
    }

    #[tokio::test]
    async fn a_call_that_waits_for_something_leaves_its_seat_to_others() {
        let turns = turns(1);
        let name = Name::from("p");
        let (told, mut hears) = tokio::sync::mpsc::channel(1);
        let (waiting, telling) = (pin!(hears.recv()), pin!(told.send(7)));
        let waits = turns.take(&name, 1, waiting);
        let tells = turns.take(&name, 1, telling);
        assert_eq!(tokio::join!(waits, tells), (Some(7), Ok(())));
        assert_eq!(turns.taken.load(SeqCst), 0);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn calls_that_are_dropped_anywhere_keep_no_seat() {
        let turns = turns(2);
        let name = |nth: u32| Name::from(if nth.is_multiple_of(3) { "a" } else { "b" });
        for round in 0..50 {
            let tasks: Vec<_> = (0..40)
                .map(|nth| {
                    let turns = turns.clone();
                    let ticks = if nth % 2 == 0 { u32::MAX } else { 20 };
                    tokio::spawn(async move {
                        turns.take(&name(nth), 1 + nth, pin!(burn(ticks))).await;
                    })
                })
                .collect();
            for _ in 0..round {
                tokio::task::yield_now().await;
            }
            for (nth, task) in tasks.into_iter().enumerate() {
                if nth % 2 == 0 {
                    task.abort();
                    // The task is dropped, or was aborted while it ran.
                    let _ = task.await;
                } else {
                    task.await.unwrap();
                }
            }
            assert_eq!(turns.taken.load(SeqCst), 0);
            assert_eq!(turns.waiting.load(SeqCst), 0);
        }
    }
}
