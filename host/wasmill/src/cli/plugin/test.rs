//! `wasmill plugin test FILE --scenario FILE [--crash-points] [--bench] [--json]`

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use clap::{Args, value_parser};
use serde_json::json;
use wasmill_component::{Manifest, check_kind};
use wasmill_trial::{Bench, Crashes, Error, Report, Scenario, Trial, printable};

use super::file;
use crate::app::{Failure, read_routes_with, tell};

/// How often it is told how far the crashes are.
const PROGRESS_EVERY: Duration = Duration::from_secs(5);

/// Options of `wasmill plugin test`.
#[derive(Debug, Args)]
pub(super) struct Test {
    /// The component
    file: PathBuf,
    /// What is sent and when, and what is to come of it
    #[arg(long, value_name = "FILE")]
    scenario: PathBuf,
    /// The plugin's name in the routes; if not given, that of its manifest, or the file's
    #[arg(long)]
    name: Option<String>,
    /// Let the host die at each call that a handler makes of it, and tell what is lost or doubled
    #[arg(long)]
    crash_points: bool,
    /// Tell the time, fuel and memory that a message takes
    #[arg(long)]
    bench: bool,
    /// How often `--bench` plays the scenario, in instances of each kind
    #[arg(long, value_name = "COUNT", default_value_t = 50, requires = "bench",
          value_parser = value_parser!(u32).range(1..))]
    repeat: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What was found.
struct Found {
    report: Report,
    crashes: Option<Crashes>,
    bench: Option<Bench>,
}

impl Test {
    pub(super) fn run(self) -> Result<(), Failure> {
        let component = file::read(&self.file)?;
        let scenario = scenario(&self.scenario)?;
        let folder = self.scenario.parent().unwrap_or(Path::new(""));
        let file = folder.join(&scenario.routes);
        let routes = read_routes_with(&file, &scenario.routes_added)?;
        let data = tempfile::tempdir().context("no temporary directory could be made")?;
        let name = self.name(&component)?;
        let told_wrong = |error| failure(&self.scenario, &error);
        let trial = Trial::new(&name, &component, scenario, &routes, data.path().to_owned())
            .map_err(told_wrong)?;
        let report = trial.run().map_err(told_wrong)?;
        // What a crash does to a plugin that is not right tells nothing.
        let is_right = report.differences() == 0;
        let crashes = (self.crash_points && is_right).then(|| trial.crash_points(progress()));
        let bench = self.bench.then(|| trial.bench(self.repeat));
        let found = Found {
            report,
            crashes: crashes.transpose().map_err(told_wrong)?,
            bench: bench.transpose().map_err(told_wrong)?,
        };
        match self.json {
            true => found.tell_json()?,
            false => found.tell(self.crash_points)?,
        }
        found.verdict()
    }

    fn name(&self, component: &[u8]) -> Result<String, Failure> {
        if let Some(name) = &self.name {
            return Ok(name.clone());
        }
        let subject = || format!("{}", self.file.display());
        let kind = check_kind(component).with_context(subject);
        kind.map_err(Failure::config)?;
        let manifest = Manifest::read(component).with_context(subject);
        if let Some(manifest) = manifest.map_err(Failure::config)? {
            return Ok(manifest.name);
        }
        let stem = self.file.file_stem().and_then(|it| it.to_str());
        let stem =
            stem.with_context(|| format!("{} is no name: give one with `--name`", subject()));
        Ok(stem.map_err(Failure::config)?.to_owned())
    }
}

impl Found {
    fn tell(&self, crash_points: bool) -> Result<(), Failure> {
        tell(&self.report)?;
        match &self.crashes {
            Some(crashes) => tell(crashes)?,
            None if crash_points => tell("no crash was tried: see first that all is as expected")?,
            None => {}
        }
        self.bench.as_ref().map_or(Ok(()), tell)
    }

    fn tell_json(&self) -> Result<(), Failure> {
        let all = json!({
            "steps": self.report.steps,
            "differences": self.report.differences(),
            "crashes": self.crashes,
            "bench": self.bench.as_ref().map(|it| &it.figures),
        });
        tell(format_args!("{all:#}"))
    }

    fn verdict(&self) -> Result<(), Failure> {
        let differences = self.report.differences();
        if differences > 0 {
            return Err(anyhow!("{differences} differences from what the scenario expects").into());
        }
        match &self.crashes {
            Some(crashes) if crashes.points == 0 => {
                Err(anyhow!("no crash was tried: no message is handled in the scenario").into())
            }
            Some(crashes) if !crashes.are_harmless() => Err(anyhow!(
                "after {} of {} crashes all was not as without one",
                crashes.findings.len(),
                crashes.points
            )
            .into()),
            _ => Ok(()),
        }
    }
}

/// Tells on stderr, now and then, how many crashes were tried.
fn progress() -> impl FnMut(u64, u64) {
    let mut told = Instant::now();
    move |done, all| {
        if told.elapsed() >= PROGRESS_EVERY {
            told = Instant::now();
            eprintln!("crash points: {done} of {all} tried");
        }
    }
}

fn scenario(path: &Path) -> Result<Scenario, Failure> {
    let text = fs::read_to_string(path)
        .with_context(|| format!("the scenario {} cannot be read", path.display()))
        .map_err(Failure::config)?;
    let wrong = |error| Failure::config(anyhow!("the scenario {}: {error}", path.display()));
    Scenario::parse(&text).map_err(wrong)
}

/// What was told wrong has to be changed; a trial that fails by itself has not.
fn failure(scenario: &Path, error: &Error) -> Failure {
    // What the plugin wrote must not write to the terminal. Reasons of several lines stay so.
    let text = error.to_string();
    let text: Vec<_> = text.lines().map(printable).collect();
    let text = text.join("\n");
    match error {
        Error::Refused { .. } | Error::Unheard { .. } | Error::NoRoute { .. } => {
            Failure::config(anyhow!("the scenario {}: {text}", scenario.display()))
        }
        Error::Plugin(_) | Error::Held(_) | Error::NotRouted(_) | Error::ManyPlaces { .. } => {
            Failure::config(anyhow!(text))
        }
        Error::Endless(_) | Error::Unsteady(_) | Error::Host(_) => anyhow!(text).into(),
    }
}
