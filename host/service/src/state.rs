//! State read from the view.

use std::sync::Arc;

use bytes::Bytes;
use wasmill_engine::layout;
use wasmill_model::effects::Scope;
use wasmill_model::{Name, Partitioner};
use wasmill_port::StateReader;
use wasmill_port::store::{Error, View};

/// Reads scopes where checkpoints put them.
pub struct ViewReader<V> {
    /// The view.
    pub view: Arc<V>,
    /// How keys map to partitions.
    pub partitioner: Partitioner,
}

impl<V: View> StateReader for ViewReader<V> {
    fn get(&self, scope: &Scope, name: &str) -> Result<Option<Bytes>, Error> {
        let partition = self.partitioner.of(&scope.key);
        self.view.get(&layout::state(partition, scope, name))
    }

    fn scan(
        &self,
        scope: &Scope,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(Name, Bytes)>, Error> {
        let partition = self.partitioner.of(&scope.key);
        let skip = layout::scope(partition, scope).len();
        let all = layout::state(partition, scope, prefix);
        let from = match after {
            // The least key greater than `after`.
            Some(after) => {
                let mut from = layout::state(partition, scope, after);
                from.push(0);
                from.max(all.clone())
            }
            None => all.clone(),
        };
        let entries = self.view.scan(&all, &from, limit)?;
        entries
            .into_iter()
            .map(|(key, value)| Ok((name(&key[skip..])?, value)))
            .collect()
    }
}

fn name(bytes: &[u8]) -> Result<Name, Error> {
    let text = std::str::from_utf8(bytes);
    Ok(text
        .map_err(|error| Error::new("reading the name of a state entry", error))?
        .into())
}
