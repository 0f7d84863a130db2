//! What a partition changed and the view does not have yet, by key.

use std::collections::BTreeMap;
use std::ops::RangeBounds;

/// Entries newer than the view: none is a deleted one. What is not here, the view knows.
#[derive(Debug)]
pub(crate) struct Overlay<K, V> {
    /// With the round of checkpoints in which each was changed last.
    entries: BTreeMap<K, (u64, Option<V>)>,
    round: u64,
}

impl<K, V> Default for Overlay<K, V> {
    fn default() -> Self {
        Self {
            entries: BTreeMap::new(),
            round: 0,
        }
    }
}

impl<K: Ord, V> Overlay<K, V> {
    /// The entry, if it is newer than the view's.
    pub(crate) fn get(&self, key: &K) -> Option<Option<&V>> {
        self.entries.get(key).map(|(_, value)| value.as_ref())
    }

    pub(crate) fn set(&mut self, key: K, value: Option<V>) {
        self.entries.insert(key, (self.round, value));
    }

    /// The entries of a range that are newer than the view's, in order.
    pub(crate) fn range(
        &self,
        range: impl RangeBounds<K>,
    ) -> impl Iterator<Item = (&K, Option<&V>)> {
        let entries = self.entries.range(range);
        entries.map(|(key, (_, value))| (key, value.as_ref()))
    }

    /// What changed since the last checkpoint began: this one writes it.
    pub(crate) fn begin_checkpoint(&mut self) -> impl Iterator<Item = (&K, Option<&V>)> {
        let round = self.round;
        self.round += 1;
        let entries = self.entries.iter();
        entries
            .filter(move |(_, (changed, _))| *changed == round)
            .map(|(key, (_, value))| (key, value.as_ref()))
    }

    /// The view has what the checkpoint wrote: only what changed since then is newer.
    pub(crate) fn end_checkpoint(&mut self) {
        let round = self.round;
        self.entries.retain(|_, (changed, _)| *changed == round);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_stays_until_the_view_has_its_last_change() {
        let mut overlay = Overlay::default();
        overlay.set(1, Some("a"));
        overlay.set(2, None);
        let written = |overlay: &mut Overlay<i32, &'static str>| -> Vec<_> {
            let written = overlay.begin_checkpoint();
            written.map(|(key, value)| (*key, value.copied())).collect()
        };
        assert_eq!(written(&mut overlay), [(1, Some("a")), (2, None)]);
        overlay.set(1, Some("b"));
        assert_eq!(overlay.get(&2), Some(None));
        overlay.end_checkpoint();
        assert_eq!(overlay.get(&2), None);
        assert_eq!(overlay.get(&1), Some(Some(&"b")));
        assert_eq!(written(&mut overlay), [(1, Some("b"))]);
        assert_eq!(overlay.get(&1), Some(Some(&"b")));
        overlay.end_checkpoint();
        assert_eq!(overlay.get(&1), None);
    }
}
