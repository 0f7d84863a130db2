//! Waiting for what comes in its own time.

use std::fmt::Debug;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

/// Between two questions.
const PAUSE: Duration = Duration::from_millis(10);
/// How much of a wrong answer an error shows.
const SHOWN_COUNT: usize = 2_000;

/// Asks until the answer is right, and returns it.
///
/// # Errors
/// If a question fails, or with the answer that is still wrong when `patience` is over.
pub async fn until<T, F>(
    patience: Duration,
    ask: impl Fn() -> F,
    is_right: impl Fn(&T) -> bool,
) -> Result<T>
where
    T: Debug,
    F: Future<Output = Result<T>>,
{
    let deadline = Instant::now() + patience;
    loop {
        let answer = ask().await?;
        if is_right(&answer) {
            return Ok(answer);
        }
        ensure!(
            Instant::now() < deadline,
            "still after {patience:?}: {:.SHOWN_COUNT$}",
            format!("{answer:?}")
        );
        tokio::time::sleep(PAUSE).await;
    }
}
