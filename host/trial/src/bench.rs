//! What a message takes: time, fuel and memory, by subscription and topic.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use wasmill_model::routes::{Isolation, PluginSettings};
use wasmill_model::{Name, Routes};

use crate::error::Error;
use crate::play::Play;

/// The figures of all subscriptions and topics.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Bench {
    /// One for each subscription, topic and kind of instances.
    pub figures: Vec<Figures>,
}

/// What messages of a subscription and topic take.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    /// The subscription.
    pub subscription: String,
    /// The topic.
    pub topic: String,
    /// `reused` or `fresh`: whether a handler's instance has served before.
    pub instances: &'static str,
    /// How many were measured.
    pub messages: usize,
    /// Half of them took at most so long.
    pub p50_us: f64,
    /// 99 of 100 took at most so long.
    pub p99_us: f64,
    /// On one thread, without the engine.
    pub messages_per_second: f64,
    /// Half of them burnt at most so much.
    pub fuel_p50: u64,
    /// 99 of 100 burnt at most so much.
    pub fuel_p99: u64,
    /// The most that an instance held.
    pub memory_bytes_max: u64,
}

/// What was measured.
#[derive(Default)]
struct Samples {
    took: Vec<Duration>,
    fuel: Vec<u64>,
    memory_bytes_max: u64,
}

/// The same routes, with a fresh instance for each message of the plugin.
pub(crate) fn with_fresh_instances(routes: &Arc<Routes>, plugin: &Name) -> Routes {
    let mut fresh = Routes::clone(routes);
    let mut settings = PluginSettings::clone(&routes.plugin(plugin));
    settings.isolation = Isolation::PerMessage;
    fresh.plugins.insert(plugin.clone(), Arc::new(settings));
    fresh
}

/// Plays so many times, and adds what was measured.
pub(crate) async fn measure(
    play: &Play<'_>,
    repetitions: u32,
    instances: &'static str,
    bench: &mut Bench,
) -> Result<(), Error> {
    let mut all = BTreeMap::<(Name, Name), Samples>::new();
    for _ in 0..repetitions {
        let ended = play.run(None, |_| ()).await?;
        for it in ended.handlings {
            let place = (it.subscription.clone(), it.message.topic.clone());
            let samples = all.entry(place).or_default();
            samples.took.push(it.took);
            samples.fuel.push(it.fuel);
            samples.memory_bytes_max = samples.memory_bytes_max.max(it.seen.memory_bytes);
        }
    }
    let figures = all.into_iter().map(|((subscription, topic), mut samples)| {
        samples.took.sort_unstable();
        samples.fuel.sort_unstable();
        let total: Duration = samples.took.iter().sum();
        let micros = |took: Duration| took.as_nanos() as f64 / 1_000.0;
        let count = samples.took.len();
        Figures {
            subscription: subscription.to_string(),
            topic: topic.to_string(),
            instances,
            messages: count,
            p50_us: micros(at(&samples.took, 50)),
            p99_us: micros(at(&samples.took, 99)),
            messages_per_second: count as f64 / total.as_secs_f64(),
            fuel_p50: at(&samples.fuel, 50),
            fuel_p99: at(&samples.fuel, 99),
            memory_bytes_max: samples.memory_bytes_max,
        }
    });
    bench.figures.extend(figures);
    Ok(())
}

/// The value that so many of a hundred do not pass. There is at least one value, and they are
/// sorted.
fn at<T: Copy>(sorted: &[T], percent: usize) -> T {
    let index = (sorted.len() * percent).div_ceil(100).max(1) - 1;
    sorted[index]
}

impl fmt::Display for Bench {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:<20} {:<20} {:<6} {:>8} {:>10} {:>10} {:>11} {:>11} {:>11} {:>10}",
            "SUBSCRIPTION",
            "TOPIC",
            "INST.",
            "MESSAGES",
            "P50 us",
            "P99 us",
            "MESSAGES/S",
            "FUEL P50",
            "FUEL P99",
            "MEMORY KiB"
        )?;
        for it in &self.figures {
            write!(
                f,
                "\n{:<20} {:<20} {:<6} {:>8} {:>10.1} {:>10.1} {:>11.0} {:>11} {:>11} {:>10}",
                it.subscription,
                it.topic,
                it.instances,
                it.messages,
                it.p50_us,
                it.p99_us,
                it.messages_per_second,
                it.fuel_p50,
                it.fuel_p99,
                it.memory_bytes_max.div_ceil(1024)
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let values: Vec<u64> = (1..=100).collect();
        assert_eq!((at(&values, 50), at(&values, 99)), (50, 99));
        assert_eq!((at(&[7], 50), at(&[7], 99)), (7, 7));
    }
}
