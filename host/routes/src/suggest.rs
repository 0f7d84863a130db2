//! "Did you mean": the nearest of the words that would have been right.

/// Words less alike than this are no suggestion.
const SIMILARITY_MIN: f64 = 0.75;

/// `; did you mean ...`, or nothing if no candidate is near.
#[must_use]
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    let near = candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(similarity, _)| *similarity >= SIMILARITY_MIN)
        .max_by(|(a, _), (b, _)| a.total_cmp(b));
    near.map_or_else(String::new, |(_, candidate)| {
        format!("; did you mean `{candidate}`?")
    })
}
