//! The host as its operators run it: a process, which can be killed at any moment and started
//! again on the same data.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};

use crate::artifacts;
use crate::client::Client;
use crate::install::Installation;

/// Longest wait until the host is ready. Its first start compiles the plugins.
const START_TIMEOUT: Duration = Duration::from_secs(120);

/// Longest wait for an orderly end.
const STOP_TIMEOUT: Duration = Duration::from_secs(60);

/// What the host prints before its address when it is ready.
const READY: &str = "listening on http://";
/// Where its data API listens; comes before.
const DATA_API: &str = "data API on http://";

/// A running host; killed when dropped.
#[derive(Debug)]
pub struct Server {
    installation: Installation,
    addresses: Addresses,
    log: PathBuf,
    child: Child,
}

/// Where a host listens.
#[derive(Clone, Copy, Debug)]
struct Addresses {
    routes: SocketAddr,
    data_api: SocketAddr,
}

impl Server {
    /// Starts the host on an installation and waits until it is ready.
    ///
    /// # Errors
    /// If it is not built, ends, or is not ready in time; with the end of its log.
    pub async fn start(installation: &Installation) -> Result<Self> {
        let log = installation.plugins.with_file_name("wasmill.log");
        let mut child = spawn(installation, &log)?;
        match tokio::time::timeout(START_TIMEOUT, ready(&mut child)).await {
            Ok(Ok(addresses)) => Ok(Self {
                installation: installation.clone(),
                addresses,
                log,
                child,
            }),
            Ok(Err(error)) => Err(error.context(tail(&log))),
            Err(_) => bail!(
                "the host is not ready after {START_TIMEOUT:?}\n{}",
                tail(&log)
            ),
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.addresses.routes
    }

    /// A client of it, which stays good over restarts.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::new(self.addresses.routes)
    }

    /// A client of its data API.
    #[must_use]
    pub fn data_api(&self) -> Client {
        Client::new(self.addresses.data_api)
    }

    /// What its data API tells under `path`.
    ///
    /// # Errors
    /// If the API refuses, or answers with something else than JSON.
    pub async fn ask(&self, path: &str) -> Result<Value> {
        self.data_api().get(path).await?.success()?.json()
    }

    /// Runs a command of `wasmill` that speaks to it, and returns what that says.
    ///
    /// # Errors
    /// If it fails; with what it says.
    pub async fn command(&self, args: &[&str]) -> Result<String> {
        let output = self.run(args).await?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{args:?}: {said}");
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Runs a command of `wasmill` that speaks to it, however it ends.
    ///
    /// # Errors
    /// If it cannot be run.
    pub async fn run(&self, args: &[&str]) -> Result<Output> {
        let command = Command::new(artifacts::program("wasmill")?)
            .args(args)
            .args(["--api", &format!("http://{}", self.addresses.data_api)])
            .args(token(&self.installation))
            .output();
        Ok(command.await?)
    }

    /// Kills it as a power cut would: SIGKILL, no time to say goodbye.
    ///
    /// # Errors
    /// If it cannot be killed.
    pub async fn kill(&mut self) -> Result<()> {
        self.child.kill().await.context("cannot kill the host")
    }

    /// Starts it again after its end, on the same data and the same port.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub async fn start_again(&mut self) -> Result<()> {
        *self = Self::start(&self.installation).await?;
        Ok(())
    }

    /// Asks it to end (SIGTERM) and waits until it did.
    ///
    /// # Errors
    /// If it does not end in time, or not well.
    pub async fn stop(&mut self) -> Result<()> {
        let id = self.child.id().context("the host has ended already")?;
        let sent = Command::new("kill")
            .args(["-TERM", &id.to_string()])
            .status()
            .await?;
        ensure!(sent.success(), "cannot send SIGTERM to the host");
        let ended = tokio::time::timeout(STOP_TIMEOUT, self.child.wait()).await;
        let status = ended.with_context(|| format!("no end after {STOP_TIMEOUT:?}"))??;
        ensure!(
            status.success(),
            "the host ended with {status}\n{}",
            self.log_tail()
        );
        Ok(())
    }

    /// Whether it still runs.
    ///
    /// # Errors
    /// If the system cannot say.
    pub fn is_running(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// Its resident memory in MB.
    ///
    /// # Errors
    /// If it has ended, or the system does not tell.
    pub fn resident_mb(&self) -> Result<u64> {
        let id = self.child.id().context("the host has ended")?;
        let status = fs::read_to_string(format!("/proc/{id}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|rest| rest.split_whitespace().next());
        let kilobytes: u64 = kilobytes.context("no VmRSS in /proc/PID/status")?.parse()?;
        Ok(kilobytes / 1024)
    }

    /// All that it logged so far, over its restarts.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn log(&self) -> Result<String> {
        Ok(fs::read_to_string(&self.log)?)
    }

    /// The end of its log, for a failed test's message.
    #[must_use]
    pub fn log_tail(&self) -> String {
        tail(&self.log)
    }
}

fn token(installation: &Installation) -> Vec<OsString> {
    let token = installation.token.as_ref();
    token.map_or_else(Vec::new, |path| {
        vec!["--api-token-file".into(), path.into()]
    })
}

fn spawn(installation: &Installation, log: &PathBuf) -> Result<Child> {
    let binary = artifacts::program("wasmill")?;
    let log = OpenOptions::new().create(true).append(true).open(log)?;
    Command::new(&binary)
        .arg("serve")
        .arg("--routes")
        .arg(&installation.routes)
        .arg("--plugins")
        .arg(&installation.plugins)
        .arg("--data")
        .arg(&installation.data)
        .arg("--listen")
        .arg(format!("127.0.0.1:{}", installation.port))
        .args(["--api", "127.0.0.1:0"])
        .args(token(installation))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot start {}", binary.display()))
}

/// Reads stdout up to the line that says it is ready, and goes on reading, so that the host is
/// never held up by a full pipe.
async fn ready(child: &mut Child) -> Result<Addresses> {
    let stdout = child
        .stdout
        .take()
        .context("the host's stdout is not piped")?;
    let mut lines = BufReader::new(stdout).lines();
    let mut data_api = None;
    while let Some(line) = lines.next_line().await? {
        let address = |text: &str| {
            let address = text.trim().parse();
            address.with_context(|| format!("no address: {line}"))
        };
        if let Some(text) = line.strip_prefix(DATA_API) {
            data_api = Some(address(text)?);
        }
        if let Some(text) = line.strip_prefix(READY) {
            let routes = address(text)?;
            let data_api = data_api.context("the host did not tell of its data API")?;
            tokio::spawn(drain(lines));
            return Ok(Addresses { routes, data_api });
        }
    }
    bail!(
        "the host ended with {} before it was ready",
        child.wait().await?
    )
}

async fn drain(mut lines: tokio::io::Lines<BufReader<ChildStdout>>) {
    while let Ok(Some(_)) = lines.next_line().await {}
}

fn tail(log: &PathBuf) -> String {
    const LINES: usize = 40;
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.len().saturating_sub(LINES);
    format!(
        "the end of the host's log ({}):\n{}",
        log.display(),
        lines[from..].join("\n")
    )
}
