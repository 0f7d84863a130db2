//! What a message costs a plugin at least: an empty one is handled by it on a host in memory, for each
//! topic that its suggested routes subscribe it to.
//!
//! Nothing static tells fuel, since a loop's turns are not in the code. An empty message is mostly
//! rejected at once, so that this is the floor; `plugin test --bench` tells the rest.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

use anyhow::{Context, anyhow};
use serde::Serialize;
use wasmill_component::Manifest;
use wasmill_model::Routes;
use wasmill_trial::{Scenario, Trial};

/// The key of the messages.
const KEY: &str = "inspect";

/// What came of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Fuel {
    /// For each subscription and topic.
    Measured(Vec<Measured>),
    /// Nothing could be measured.
    Unknown(String),
}

/// What an empty message burnt.
#[derive(Debug, Serialize)]
pub(super) struct Measured {
    subscription: String,
    topic: String,
    fuel: u64,
    /// `ok`, `retry`, `reject` and so on.
    outcome: String,
}

impl fmt::Display for Fuel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = match self {
            Self::Unknown(why) => return write!(f, "unknown: {why}"),
            Self::Measured(all) => all,
        };
        let mut text = String::new();
        for Measured {
            topic,
            fuel,
            outcome,
            ..
        } in all
        {
            let comma = if text.is_empty() { "" } else { ", " };
            write!(
                text,
                "{comma}an empty message of {topic} {} ({outcome})",
                grouped(*fuel)
            )?;
        }
        f.write_str(&text)
    }
}

/// Runs a component with this manifest.
pub(super) fn measure(component: &[u8], manifest: Option<&Manifest>) -> Fuel {
    let routes = manifest.and_then(|it| Some((it, it.routes.as_deref()?)));
    let Some((manifest, routes)) = routes else {
        return Fuel::Unknown("it suggests no routes to run it by".to_owned());
    };
    match run(component, &manifest.name, routes) {
        Ok(all) => Fuel::Measured(all),
        Err(error) => Fuel::Unknown(format!("{error:#}")),
    }
}

fn run(component: &[u8], name: &str, routes: &str) -> anyhow::Result<Vec<Measured>> {
    let routes = wasmill_routes::parse(routes);
    let routes =
        routes.map_err(|error| anyhow!("the routes that it suggests are wrong: {error}"))?;
    let scenario = Scenario::parse(&scenario(name, &routes))?;
    let data = tempfile::tempdir().context("no temporary directory could be made")?;
    let trial = Trial::new(name, component, scenario, &routes, data.path().to_owned())?;
    let steps = trial.run()?.steps.into_iter();
    let handled: Vec<_> = steps.flat_map(|step| step.handled).collect();
    let figures = trial.bench(1)?.figures.into_iter();
    let reused = figures.filter(|it| it.instances == "reused");
    let measured = reused.map(|it| {
        let same = |handled: &&wasmill_trial::HandledReport| {
            handled.subscription == it.subscription && handled.topic == it.topic
        };
        let outcome = handled.iter().find(same).map(|it| it.outcome.clone());
        Measured {
            subscription: it.subscription,
            topic: it.topic,
            fuel: it.fuel_p50,
            outcome: outcome.unwrap_or_default(),
        }
    });
    let measured: Vec<_> = measured.collect();
    match measured.is_empty() {
        true => Err(anyhow!(
            "no subscription of its suggested routes took an empty message"
        )),
        false => Ok(measured),
    }
}

/// An empty message of each topic that the plugin is subscribed to.
fn scenario(name: &str, routes: &Routes) -> String {
    let own = |topic: &str| {
        let mut all = routes.subscriptions();
        all.any(|it| &*it.plugin == name && it.topic.matches(topic))
    };
    let declared = routes.topics().iter().filter_map(|it| it.pattern.exact());
    // Those of the host's own begin with `$`, and nobody sends to them.
    let sent = declared.filter(|topic| !topic.starts_with('$') && own(topic));
    let topics: BTreeSet<&str> = sent.map(|it| &**it).collect();
    let steps = topics
        .into_iter()
        .map(|topic| format!("[[step]]\nsend = {{ topic = {topic:?}, key = \"{KEY}\" }}\n"));
    format!("routes = \"suggested\"\n{}", steps.collect::<String>())
}

/// A number as people read it: 1,234,567.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        let all = [0, 999, 1_000, 45_678, 1_234_567].map(grouped);
        assert_eq!(all, ["0", "999", "1,000", "45,678", "1,234,567"]);
    }

    #[test]
    fn each_topic_that_the_plugin_hears_of_is_tried_once() {
        let routes = "[topics]\na = {}\nb = {}\nc = {}\n\
            [subscriptions.one]\ntopic = \"a\"\nplugin = \"p\"\n\
            [subscriptions.two]\ntopic = \"a\"\nplugin = \"p\"\n\
            [subscriptions.three]\ntopic = \"b\"\nplugin = \"other\"\n";
        let scenario = scenario("p", &wasmill_routes::parse(routes).unwrap());
        assert_eq!(scenario.matches("[[step]]").count(), 1, "{scenario}");
        assert!(scenario.contains("topic = \"a\""), "{scenario}");
        Scenario::parse(&scenario).unwrap();
    }
}
