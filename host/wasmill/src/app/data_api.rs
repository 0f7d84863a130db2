//! A client of a running host's data API.

use std::io;
use std::path::PathBuf;
use std::pin::pin;
use std::time::Duration;

use anyhow::{Context, anyhow};
use bytes::Bytes;
use clap::Args;
use http::{Method, Request, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Failure, Refusal};

/// How long a host that is there takes to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the host is waited for in silence.
const SILENCE_MAX: Duration = Duration::from_secs(2);
/// The longest that a host may take; it may have many dead letters to deliver.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(600);

/// How to reach a running host.
#[derive(Debug, Args)]
pub(crate) struct DataApi {
    /// The data API of the running host
    #[arg(long = "api", value_name = "URL", env = "WASMILL_API", global = true)]
    #[arg(default_value = "http://127.0.0.1:8081")]
    url: Uri,
    /// A file with the token that it asks for
    #[arg(
        long = "api-token-file",
        value_name = "FILE",
        env = "WASMILL_API_TOKEN_FILE",
        global = true
    )]
    token: Option<PathBuf>,
}

impl DataApi {
    /// Asks the host; null if there is nothing to tell.
    pub(crate) fn ask(&self, method: Method, path: &str) -> Result<Value, Failure> {
        self.tell(method, path, &Value::Null)
    }

    /// Tells the host something, and returns its answer; null if there is nothing to tell.
    pub(crate) fn tell(&self, method: Method, path: &str, body: &Value) -> Result<Value, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let runtime = runtime.context("the runtime could not be started")?;
        let body = match body {
            Value::Null => Bytes::new(),
            body => body.to_string().into(),
        };
        runtime.block_on(self.exchange(method, path, body))
    }

    async fn exchange(&self, method: Method, path: &str, body: Bytes) -> Result<Value, Failure> {
        let url = &self.url;
        let (Some("http"), Some(authority)) = (url.scheme_str(), url.authority()) else {
            return Err(Failure::config(anyhow!(
                "`{url}` is no address of a data API: expected `http://HOST:PORT`"
            )));
        };
        // An IPv6 address stands in brackets.
        let host = authority.host();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let address = (host, authority.port_u16().unwrap_or(80));
        let stream = timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await;
        let stream = stream.map_err(io::Error::from).flatten().with_context(|| {
            format!(
                "cannot reach the data API on {url}: is the host running? name the address that it \
                 printed with --api or WASMILL_API"
            )
        })?;
        let shaken = http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = shaken.with_context(|| format!("{url} broke off"))?;
        // What goes wrong with the connection, the request hears of.
        tokio::spawn(connection);

        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, authority.as_str());
        if let Some(path) = &self.token {
            let token = std::fs::read_to_string(path);
            let token = token.with_context(|| format!("cannot read {}", path.display()));
            let token = token.map_err(Failure::config)?;
            let bearer = format!("Bearer {}", token.trim());
            request = request.header(header::AUTHORIZATION, bearer);
        }
        let request = request.body(Full::new(body));
        let request = request.context("the token is none that HTTP can carry");
        let request = request.map_err(Failure::config)?;
        let what = format!("{} {path}", request.method());
        let mut response = pin!(timeout(ANSWER_TIMEOUT, sender.send_request(request)));
        let response = if let Ok(early) = timeout(SILENCE_MAX, &mut response).await {
            early
        } else {
            eprintln!("waiting for {url}, {what}");
            response.await
        };
        let response = response
            .with_context(|| format!("{url} gave no answer in {ANSWER_TIMEOUT:?}"))?
            .with_context(|| format!("{url} gave no answer"))?;
        let status = response.status();
        let body = response.into_body().collect().await;
        let body = body
            .with_context(|| format!("{url} broke off its answer"))?
            .to_bytes();
        if !status.is_success() {
            return Err(Refusal::read(url, status, &body).into());
        }
        if body.is_empty() {
            return Ok(Value::Null);
        }
        let answer = serde_json::from_slice(&body);
        Ok(answer.with_context(|| format!("{url} did not answer with JSON"))?)
    }
}

/// The host's answer in the form that it should have.
pub(crate) fn understood<T: DeserializeOwned>(answer: Value) -> Result<T, Failure> {
    let understood = serde_json::from_value(answer);
    Ok(understood.context("the host's answer is not understood: is it of another version?")?)
}

/// Those of a query's parts that are given.
pub(crate) fn query(pairs: &[(&str, Option<&str>)]) -> String {
    let given = pairs
        .iter()
        .filter_map(|(name, value)| Some(format!("{name}={}", encoded((*value)?))));
    match given.collect::<Vec<_>>() {
        given if given.is_empty() => String::new(),
        given => format!("?{}", given.join("&")),
    }
}

/// Text as a part of a path or a query.
pub(crate) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}
