//! A trial of a guest, its routes, and pieces of scenarios.

use std::fmt::Write;

use tempfile::TempDir;
use wasmill_trial::{Crashes, Report, Scenario, Trial};

/// Where the prepared answers are, and what asks for them is granted.
pub(super) const BANK: &str = "bank.example:8080";

/// A trial, and the directory that it lives in.
pub(super) struct World {
    pub(super) trial: Trial,
    _data: TempDir,
}

impl World {
    pub(super) fn new(guest: &str, steps: &str) -> Self {
        Self::with_routes(guest, steps, &routes(guest))
    }

    pub(super) fn with_routes(guest: &str, steps: &str, routes: &str) -> Self {
        Self::of(guest, &wasmill_test_guests::bytes(guest), steps, routes)
    }

    /// With a component as it is in a file, of the plugin `name`.
    pub(super) fn of(name: &str, component: &[u8], steps: &str, routes: &str) -> Self {
        let scenario = Scenario::parse(&format!("routes = \"none\"\n{steps}"));
        let scenario = scenario.unwrap_or_else(|error| panic!("{error}"));
        let routes = wasmill_routes::parse(routes);
        let routes = routes.unwrap_or_else(|errors| panic!("{errors}"));
        let data = tempfile::tempdir().expect("a directory");
        let trial = Trial::new(name, component, scenario, &routes, data.path().to_owned());
        Self {
            trial: trial.unwrap_or_else(|error| panic!("{error}")),
            _data: data,
        }
    }

    pub(super) fn run(&self) -> Report {
        self.trial.run().unwrap_or_else(|error| panic!("{error}"))
    }

    pub(super) fn crash(&self) -> Crashes {
        let crashes = self.trial.crash_points(|_, _| ());
        crashes.unwrap_or_else(|error| panic!("{error}"))
    }
}

pub(super) fn routes(plugin: &str) -> String {
    let mut text = String::from(
        "[topics]\n\"pay\" = {}\n\"idle\" = {}\n\"told\" = {}\n\
                                 \"settled\" = {}\n\"counted\" = {}\n",
    );
    for topic in ["pay", "idle"] {
        let _ = write!(
            text,
            "[subscriptions.{topic}]\ntopic = \"{topic}\"\nplugin = \"{plugin}\"\n\
             retry = [\"1s\", \"5s\"]\n"
        );
    }
    let _ = write!(
        text,
        "[plugins.{plugin}.grants]\nhttp = [\"{BANK}\"]\nfiles = true\n"
    );
    text
}

/// Steps that send these bodies, all of one key.
pub(super) fn pays(bodies: &[&str]) -> String {
    let step =
        |body| format!("[[step]]\nsend = {{ topic = \"pay\", key = \"k\", body = \"{body}\" }}\n");
    bodies.iter().map(step).collect()
}

/// What answers at the bank.
pub(super) fn bank(status: u16) -> String {
    format!("[[http]]\nmethod = \"POST\"\nurl = \"http://{BANK}/charge\"\nstatus = {status}\n")
}
