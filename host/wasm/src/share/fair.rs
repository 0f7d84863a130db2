//! Whose turn is next: fair queueing by virtual time, which knows no clock and no thread.
//!
//! Each plugin has a tag: the virtual time at which what it was given so far would be over, had it
//! been served by its share. The plugin with the smallest tag is next (start-time fair queueing).
//! Virtual time is the tag of the last one served, and stands still while nobody waits. A plugin that
//! comes back after a while begins there: what it did not use is no credit, so that it cannot hold
//! others up with what it saved.

use std::collections::{HashMap, VecDeque};

use wasmill_model::Name;

/// Virtual time of a cost of one at a share of one: so that little is lost by rounding.
const SCALE: u64 = 100;

/// Waiters of plugins.
#[derive(Debug)]
pub(super) struct Fair<T> {
    plugins: HashMap<Name, Waiting<T>>,
    now: u64,
    arrivals: u64,
    len: usize,
}

#[derive(Debug)]
struct Waiting<T> {
    tag: u64,
    /// First come, first served; with the number of its arrival.
    waiters: VecDeque<(u64, T)>,
}

impl<T> Default for Fair<T> {
    fn default() -> Self {
        Self {
            plugins: HashMap::new(),
            now: 0,
            arrivals: 0,
            len: 0,
        }
    }
}

impl<T> Fair<T> {
    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// A plugin's waiter goes behind its others.
    pub(super) fn push(&mut self, plugin: &Name, waiter: T) {
        self.arrivals += 1;
        self.len += 1;
        let arrival = self.arrivals;
        self.of(plugin).waiters.push_back((arrival, waiter));
    }

    /// The next one, first in first out within its plugin.
    pub(super) fn pop(&mut self) -> Option<T> {
        let now = self.now;
        let waiting = self.plugins.values_mut();
        let waiting = waiting.filter(|plugin| !plugin.waiters.is_empty());
        let next = waiting.min_by_key(|plugin| {
            let arrival = plugin.waiters.front().map(|(arrival, _)| *arrival);
            (plugin.tag.max(now), arrival)
        })?;
        next.tag = next.tag.max(now);
        self.now = next.tag;
        let (_, waiter) = next.waiters.pop_front()?;
        self.len -= 1;
        self.forget_idle();
        Some(waiter)
    }

    /// A plugin with this share, from 1 on, was given `cost`.
    pub(super) fn charge(&mut self, plugin: &Name, share: u32, cost: u64) {
        let now = self.now;
        let plugin = self.of(plugin);
        let due = cost.saturating_mul(SCALE) / u64::from(share);
        plugin.tag = plugin.tag.max(now).saturating_add(due);
    }

    /// Takes away the waiters of a plugin that `gives_up`.
    pub(super) fn remove(&mut self, plugin: &Name, gives_up: impl Fn(&T) -> bool) {
        if let Some(plugin) = self.plugins.get_mut(plugin) {
            let before = plugin.waiters.len();
            plugin.waiters.retain(|(_, waiter)| !gives_up(waiter));
            self.len -= before - plugin.waiters.len();
        }
    }

    /// A plugin that neither waits nor owes is as one that never came.
    fn forget_idle(&mut self) {
        let now = self.now;
        self.plugins
            .retain(|_, plugin| plugin.tag > now || !plugin.waiters.is_empty());
    }

    fn of(&mut self, plugin: &Name) -> &mut Waiting<T> {
        if !self.plugins.contains_key(plugin) {
            let waiting = Waiting {
                tag: self.now,
                waiters: VecDeque::new(),
            };
            self.plugins.insert(plugin.clone(), waiting);
        }
        self.plugins.get_mut(plugin).expect("it was put there")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a burning guest takes before it yields, and what a short handler takes.
    const TICK: u64 = 5_000_000;
    const SHORT: u64 = 10_000;

    fn name(text: &str) -> Name {
        text.into()
    }

    /// How many of `turns` each plugin gets if all of them always wait and take `cost`.
    fn served(plugins: &[(&str, u32, u64)], turns: usize) -> HashMap<String, u64> {
        let mut fair = Fair::default();
        for (nth, (plugin, ..)) in plugins.iter().enumerate() {
            fair.push(&name(plugin), nth);
        }
        let mut given = HashMap::new();
        for _ in 0..turns {
            let nth = fair.pop().expect("all wait");
            let (plugin, share, cost) = plugins[nth];
            *given.entry(plugin.to_owned()).or_default() += cost;
            fair.charge(&name(plugin), share, cost);
            fair.push(&name(plugin), nth);
        }
        given
    }

    #[test]
    fn plugins_that_always_wait_get_time_by_their_shares() {
        let given = served(
            &[("a", 10, 7_000), ("b", 30, 3_000), ("c", 60, 13_000)],
            100_000,
        );
        let whole: u64 = given.values().sum();
        for (plugin, share) in [("a", 10), ("b", 30), ("c", 60)] {
            let part = given[plugin] * 1_000 / whole;
            let due = share * 10;
            assert!(part.abs_diff(due) <= 1, "{plugin}: {part} of {due}");
        }
    }

    #[test]
    fn a_plugin_that_burns_with_a_thousand_calls_gives_way_to_each_call_of_a_neighbour() {
        let (burner, neighbour) = (name("burner"), name("neighbour"));
        let mut fair = Fair::default();
        for _ in 0..1_000 {
            fair.push(&burner, "burner");
        }
        let mut turns_between = 0;
        for _ in 0..10_000 {
            // One turn of the burner is under way when the neighbour comes.
            assert_eq!(fair.pop(), Some("burner"));
            fair.push(&neighbour, "neighbour");
            fair.charge(&burner, 10, TICK);
            fair.push(&burner, "burner");
            while fair.pop() == Some("burner") {
                turns_between += 1;
                fair.charge(&burner, 10, TICK);
                fair.push(&burner, "burner");
            }
            fair.charge(&neighbour, 10, SHORT);
        }
        assert_eq!(turns_between, 0, "the neighbour uses less than it is due");
    }

    #[test]
    fn what_was_not_used_is_no_credit_and_what_was_used_alone_is_no_debt() {
        let (old, new) = (name("old"), name("new"));
        let mut fair = Fair::default();
        for _ in 0..1_000 {
            fair.push(&old, "old");
            fair.pop();
            fair.charge(&old, 1, TICK);
        }
        fair.push(&old, "old");
        fair.push(&new, "new");
        let mut order = Vec::new();
        for _ in 0..8 {
            let who = fair.pop().expect("both wait");
            order.push(who);
            fair.charge(&name(who), 1, TICK);
            fair.push(&name(who), who);
        }
        let count = order.iter().filter(|who| **who == "new").count();
        assert_eq!(count, 4, "{order:?}");
    }

    #[test]
    fn within_a_plugin_who_came_first_goes_first_and_who_gave_up_is_gone() {
        let mut fair = Fair::default();
        for waiter in 0..4 {
            fair.push(&name("p"), waiter);
        }
        fair.remove(&name("p"), |waiter| *waiter == 1);
        assert_eq!(fair.len(), 3);
        let order: Vec<_> = std::iter::from_fn(|| fair.pop()).collect();
        assert_eq!(order, [0, 2, 3]);
        assert!(fair.plugins.is_empty(), "an idle plugin is forgotten");
    }
}
