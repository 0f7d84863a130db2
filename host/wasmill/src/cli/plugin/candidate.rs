//! `wasmill plugin canary|shadow|candidate|promote|abort NAME`: versions on trial beside those that
//! serve.

use clap::Args;
use http::Method;
use serde::Deserialize;

use super::super::listing::Output;
use super::super::table::printable;
use super::list::short;
use crate::app::{DataApi, Failure, encoded, query, tell};

/// Options of `wasmill plugin canary`. What is not given is the host's to choose.
#[derive(Debug, Args)]
pub(super) struct Canary {
    #[command(flatten)]
    of: Of,
    /// The version: its hash, or 8 or more of its first digits
    hash: String,
    /// The share of the keys that it handles, or of the messages that have none
    #[arg(long, value_name = "PERCENT")]
    share: Option<String>,
    /// For how long it is compared with the version that serves
    #[arg(long, value_name = "TIME")]
    window: Option<String>,
    /// Roll it back at more than so many times the errors: retries, rejects, faults
    #[arg(long, value_name = "FACTOR")]
    errors: Option<String>,
    /// Roll it back at more than so many times the p99 of a call's time
    #[arg(long, value_name = "FACTOR")]
    latency: Option<String>,
    /// Roll it back at more than so many times the mean fuel
    #[arg(long, value_name = "FACTOR")]
    fuel: Option<String>,
    /// Put it into service when the window is over, if it held
    #[arg(long)]
    promote: bool,
}

/// Options of `wasmill plugin shadow`, likewise.
#[derive(Debug, Args)]
pub(super) struct Shadow {
    #[command(flatten)]
    of: Of,
    /// The version: its hash, or 8 or more of its first digits
    hash: String,
    /// The share of the messages that it handles, too
    #[arg(long, value_name = "PERCENT")]
    sample: Option<String>,
    /// Of how many messages that differ to keep how, at most 100
    #[arg(long, value_name = "COUNT")]
    count: Option<u32>,
}

/// Which plugin, on which host.
#[derive(Debug, Args)]
pub(super) struct Of {
    #[command(flatten)]
    api: DataApi,
    /// The plugin
    name: String,
    #[command(flatten)]
    output: Output,
}

/// A version on trial.
#[derive(Deserialize)]
struct Candidate {
    plugin: String,
    version: String,
    running: String,
    since: String,
    status: String,
    why: Option<String>,
    canary: Option<OfCanary>,
    shadow: Option<OfShadow>,
}

#[derive(Deserialize)]
struct OfCanary {
    share: String,
    until: String,
    promote: bool,
    of_running: Figures,
    of_candidate: Figures,
}

#[derive(Deserialize)]
struct Figures {
    messages: u64,
    errors: u64,
    fuel_mean: u64,
    p99_us: u64,
}

#[derive(Deserialize)]
struct OfShadow {
    sample: String,
    messages: u64,
    different: u64,
    faults: u64,
    unanswered: u64,
    of_running: Spent,
    of_candidate: Spent,
    differing: Vec<Differing>,
}

#[derive(Deserialize)]
struct Spent {
    fuel: u64,
    time_us: u64,
}

#[derive(Deserialize)]
struct Differing {
    message: String,
    subscription: String,
    key: Option<String>,
    differences: Vec<Difference>,
}

#[derive(Deserialize)]
struct Difference {
    what: String,
    running: String,
    candidate: String,
}

impl Canary {
    pub(super) fn run(self) -> Result<(), Failure> {
        let asked = [
            ("version", Some(self.hash.as_str())),
            ("share", self.share.as_deref()),
            ("window", self.window.as_deref()),
            ("errors", self.errors.as_deref()),
            ("latency", self.latency.as_deref()),
            ("fuel", self.fuel.as_deref()),
            ("promote", self.promote.then_some("true")),
        ];
        let what = format!("canary{}", query(&asked));
        self.of.show(Method::POST, &what)
    }
}

impl Shadow {
    pub(super) fn run(self) -> Result<(), Failure> {
        let count = self.count.map(|count| count.to_string());
        let asked = [
            ("version", Some(self.hash.as_str())),
            ("sample", self.sample.as_deref()),
            ("count", count.as_deref()),
        ];
        let what = format!("shadow{}", query(&asked));
        self.of.show(Method::POST, &what)
    }
}

impl Of {
    /// Ends the trial.
    pub(super) fn abort(self) -> Result<(), Failure> {
        self.show(Method::POST, "abort")
    }

    /// Tells how it stands.
    pub(super) fn tell(self) -> Result<(), Failure> {
        self.show(Method::GET, "candidate")
    }

    fn show(self, method: Method, what: &str) -> Result<(), Failure> {
        let path = format!("/v1/plugins/{}/{what}", encoded(&self.name));
        let answer = self.api.ask(method, &path)?;
        self.output.show(answer, |candidate: Candidate| {
            let mut lines = candidate.lines().into_iter();
            lines.try_for_each(|line| tell(printable(&line)))
        })
    }
}

impl Candidate {
    fn lines(&self) -> Vec<String> {
        let Self {
            plugin,
            since,
            status,
            ..
        } = self;
        let (version, running) = (short(&self.version), short(&self.running));
        let why = self.why.iter().map(|why| format!(": {why}"));
        let why: String = why.collect();
        let kind = match self.canary {
            Some(_) => "canary",
            None => "shadow",
        };
        let status = status.replace('_', " ");
        let mut lines = vec![format!(
            "{plugin}: {kind} {version} beside {running} since {since}: {status}{why}"
        )];
        lines.extend(self.canary.iter().flat_map(OfCanary::lines));
        lines.extend(self.shadow.iter().flat_map(OfShadow::lines));
        lines
    }
}

impl OfCanary {
    fn lines(&self) -> Vec<String> {
        let Self { share, until, .. } = self;
        let then = match self.promote {
            true => "then promoted",
            false => "then it waits",
        };
        let of = |who: &str, it: &Figures| {
            format!(
                "  {who:<9}  {} messages, {} failed, {} fuel a message, p99 {:.3} ms",
                it.messages,
                it.errors,
                it.fuel_mean,
                it.p99_us as f64 / 1_000.0
            )
        };
        vec![
            format!("  {share} of the keys until {until}, {then}"),
            of("running", &self.of_running),
            of("candidate", &self.of_candidate),
        ]
    }
}

impl OfShadow {
    fn lines(&self) -> Vec<String> {
        let Self {
            sample,
            messages,
            different,
            faults,
            unanswered,
            ..
        } = self;
        let mut lines = vec![format!(
            "  {sample} of the messages: {messages} compared, {different} differ, {faults} faults, \
             {unanswered} requests without a recorded answer"
        )];
        let spent = [
            ("running", &self.of_running),
            ("candidate", &self.of_candidate),
        ];
        lines.extend(spent.map(|(who, it)| {
            let millis = it.time_us as f64 / 1_000.0;
            format!("  {who:<9}  {} fuel, {millis:.3} ms", it.fuel)
        }));
        for it in &self.differing {
            let key = it.key.iter().map(|key| format!(" `{key}`"));
            let key: String = key.collect();
            lines.push(format!("  {}{key} in {}", it.message, it.subscription));
            lines.extend(it.differences.iter().map(|it| {
                let Difference {
                    what,
                    running,
                    candidate,
                } = it;
                format!("    {what}: running {running}; candidate {candidate}")
            }));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_shadow_tells_which_messages_differ_and_how() {
        let candidate = json!({"plugin": "p", "version": "b".repeat(64), "running": "a".repeat(64),
            "since": "then", "status": "under_way", "why": null, "canary": null,
            "shadow": {"sample": "100%", "messages": 3, "same": 2, "different": 1, "faults": 0,
                "unanswered": 0, "of_running": {"fuel": 9, "time_us": 1500},
                "of_candidate": {"fuel": 8, "time_us": 900},
                "differing": [{"message": "7", "subscription": "s", "key": "k", "differences": [
                    {"what": "state `a`", "running": "\"1\"", "candidate": "not written"}]}]}});
        let candidate: Candidate = serde_json::from_value(candidate).unwrap();
        let lines = candidate.lines();
        assert_eq!(
            lines[0],
            "p: shadow bbbbbbbbbbbb beside aaaaaaaaaaaa since then: under way"
        );
        assert!(lines[1].contains("3 compared, 1 differ"), "{lines:?}");
        assert_eq!(lines[4], "  7 `k` in s");
        assert_eq!(
            lines[5],
            "    state `a`: running \"1\"; candidate not written"
        );
    }

    #[test]
    fn a_canary_that_was_rolled_back_says_why() {
        let figures = json!({"messages": 5, "errors": 5, "fuel_mean": 7, "p99_us": 250});
        let candidate = json!({"plugin": "p", "version": "b".repeat(64), "running": "a".repeat(64),
            "since": "then", "status": "rolled_back", "why": "it failed", "shadow": null,
            "canary": {"share": "5%", "until": "later", "promote": true,
                "of_running": figures, "of_candidate": figures}});
        let candidate: Candidate = serde_json::from_value(candidate).unwrap();
        let lines = candidate.lines();
        assert!(lines[0].ends_with("rolled back: it failed"), "{lines:?}");
        assert!(
            lines[1].ends_with("until later, then promoted"),
            "{lines:?}"
        );
        assert!(lines[3].contains("5 failed") && lines[3].contains("p99 0.250 ms"));
    }
}
