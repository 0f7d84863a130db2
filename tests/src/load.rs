//! Load: jobs run by so many workers at once, or at a fixed rate, with their latencies. `on` is
//! what all jobs work on, such as a client; each gets a clone.

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::Result;
use hdrhistogram::Histogram;
use tokio::task::JoinSet;

/// Most failures kept with their text; all are counted.
const FAILURES_SHOWN_MAX: usize = 5;

/// What a run of load measured.
#[derive(Clone, Debug)]
pub struct Run {
    /// From first start to last end.
    pub elapsed: Duration,
    /// Latencies of the jobs that went well, in microseconds.
    pub latency_us: Histogram<u64>,
    /// How many failed.
    pub failed: u64,
    /// What the first of them said.
    pub failures: Vec<String>,
}

impl Run {
    fn new() -> Self {
        let latency_us = Histogram::new_with_bounds(1, 600_000_000, 3);
        let latency_us = latency_us.expect("bounds that the histogram takes");
        Self {
            elapsed: Duration::ZERO,
            latency_us,
            failed: 0,
            failures: Vec::new(),
        }
    }

    fn record(&mut self, latency: Duration, outcome: Result<()>) {
        match outcome {
            Ok(()) => {
                let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
                self.latency_us.saturating_record(micros.max(1));
            }
            Err(error) => {
                self.failed += 1;
                if self.failures.len() < FAILURES_SHOWN_MAX {
                    self.failures.push(format!("{error:#}"));
                }
            }
        }
    }

    /// Nothing, if all jobs went well.
    ///
    /// # Errors
    /// How many failed, and what the first of them said.
    pub fn all_well(&self) -> Result<()> {
        let first = self.failures.join("; ");
        anyhow::ensure!(self.failed == 0, "{} requests failed: {first}", self.failed);
        Ok(())
    }

    /// Jobs that went well, a second.
    #[must_use]
    pub fn per_second(&self) -> f64 {
        self.latency_us.len() as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }

    /// The latency that a share of the jobs, such as 0.99, stayed within, in milliseconds.
    #[must_use]
    pub fn latency_ms(&self, quantile: f64) -> f64 {
        self.latency_us.value_at_quantile(quantile) as f64 / 1000.0
    }
}

/// Runs the jobs with `workers` at once, each beginning the next when one ends.
pub async fn closed<C, J, F, W>(workers: usize, on: &C, jobs: Vec<J>, work: W) -> Run
where
    C: Clone + Send + 'static,
    J: Send + 'static,
    F: Future<Output = Result<()>> + Send,
    W: Fn(C, J) -> F + Clone + Send + 'static,
{
    let run = Arc::new(Mutex::new(Run::new()));
    let jobs = Arc::new(Mutex::new(jobs.into_iter()));
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..workers {
        let (run, jobs) = (Arc::clone(&run), Arc::clone(&jobs));
        let (on, work) = (on.clone(), work.clone());
        tasks.spawn(async move {
            while let Some(job) = next(&jobs) {
                let started = Instant::now();
                let outcome = work(on.clone(), job).await;
                run.lock()
                    .expect("no panic while held")
                    .record(started.elapsed(), outcome);
            }
        });
    }
    finish(tasks, run, begun).await
}

/// Starts `rate` jobs a second, whether or not earlier ones have ended. Latency counts from the
/// moment a job was due, so that a stall shows in all the jobs that it held up.
pub async fn open<C, J, F, W>(rate: f64, on: &C, jobs: Vec<J>, work: W) -> Run
where
    C: Clone + Send + 'static,
    J: Send + 'static,
    F: Future<Output = Result<()>> + Send,
    W: Fn(C, J) -> F + Clone + Send + 'static,
{
    let run = Arc::new(Mutex::new(Run::new()));
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for (nth, job) in jobs.into_iter().enumerate() {
        let due = begun + Duration::from_secs_f64(nth as f64 / rate);
        tokio::time::sleep_until(due.into()).await;
        let (run, on, work) = (Arc::clone(&run), on.clone(), work.clone());
        tasks.spawn(async move {
            let outcome = work(on, job).await;
            run.lock()
                .expect("no panic while held")
                .record(due.elapsed(), outcome);
        });
    }
    finish(tasks, run, begun).await
}

/// The results of `work` on each item, `workers` at a time, in no order.
///
/// # Errors
/// The first error; the rest is given up.
pub async fn gather<C, J, T, F, W>(workers: usize, on: &C, items: Vec<J>, work: W) -> Result<Vec<T>>
where
    C: Clone + Send + 'static,
    J: Send + 'static,
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send,
    W: Fn(C, J) -> F + Clone + Send + 'static,
{
    let items = Arc::new(Mutex::new(items.into_iter()));
    let mut tasks = JoinSet::new();
    for _ in 0..workers {
        let (items, on, work) = (Arc::clone(&items), on.clone(), work.clone());
        tasks.spawn(async move {
            let mut results = Vec::new();
            while let Some(item) = next(&items) {
                results.push(work(on.clone(), item).await?);
            }
            Ok::<_, anyhow::Error>(results)
        });
    }
    let mut all = Vec::new();
    while let Some(joined) = tasks.join_next().await {
        all.extend(joined??);
    }
    Ok(all)
}

fn next<J>(jobs: &Mutex<std::vec::IntoIter<J>>) -> Option<J> {
    jobs.lock().expect("no panic while held").next()
}

async fn finish(mut tasks: JoinSet<()>, run: Arc<Mutex<Run>>, begun: Instant) -> Run {
    while let Some(joined) = tasks.join_next().await {
        joined.expect("a job does not panic");
    }
    let mut run = run.lock().expect("no panic while held").clone();
    run.elapsed = begun.elapsed();
    run
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn latency_at_a_fixed_rate_counts_from_when_a_job_was_due() {
        let slow = |(), ()| async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            Ok(())
        };
        let run = open(1000.0, &(), vec![(); 20], slow).await;
        assert_eq!(run.latency_us.len(), 20);
        assert!(run.latency_ms(0.0) >= 20.0, "{}", run.latency_ms(0.0));
    }

    #[tokio::test]
    async fn failures_are_counted_and_not_timed() {
        let run = closed(3, &(), (0..10).collect(), |(), n| async move {
            anyhow::ensure!(n % 2 == 0, "odd: {n}");
            Ok(())
        })
        .await;
        assert_eq!((run.latency_us.len(), run.failed), (5, 5));
    }
}
