//! Stories as a tree: each after the one of the message that caused it.

use std::collections::HashMap;

use wasmill_model::MessageId;

use super::event::Story;

/// The stories in the order of their tree, each with its depth. Those whose cause is not among
/// them are roots. What one message caused keeps its order.
pub(super) fn in_order(stories: Vec<Story>) -> Vec<(usize, Story)> {
    let known: HashMap<MessageId, usize> = (0..)
        .zip(&stories)
        .map(|(at, story)| (story.message.id, at))
        .collect();
    let cause = |story: &Story| known.get(&story.message.causation?).copied();
    let mut caused: Vec<Vec<usize>> = vec![Vec::new(); stories.len()];
    let mut roots = Vec::new();
    for (at, story) in stories.iter().enumerate() {
        match cause(story) {
            Some(by) => caused[by].push(at),
            None => roots.push(at),
        }
    }
    let mut stories: Vec<Option<Story>> = stories.into_iter().map(Some).collect();
    let mut ordered = Vec::with_capacity(stories.len());
    // A list and not recursion: a flow may be as deep as it is long.
    let mut next: Vec<(usize, usize)> = roots.into_iter().rev().map(|at| (0, at)).collect();
    while let Some((depth, at)) = next.pop() {
        next.extend(caused[at].iter().rev().map(|at| (depth + 1, *at)));
        ordered.extend(stories[at].take().map(|story| (depth, story)));
    }
    ordered
}
