//! Who may use the data API, and who may not.

use std::process::Command;

use anyhow::{Result, ensure};
use bytes::Bytes;
use hyper::{Method, StatusCode};
use testkit::artifacts;
use testkit::install::Installation;
use testkit::server::Server;

const ROUTES: &str = "[topics]\na = {}\n";
const PATH: &str = "/v1/subscriptions";
const TOKEN: &str = "a-token-that-nobody-guesses";

#[tokio::test(flavor = "multi_thread")]
async fn with_a_token_only_those_who_have_it_are_served() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut installation = Installation::empty(folder.path(), ROUTES)?;
    let token = folder.path().join("token");
    std::fs::write(&token, format!("{TOKEN}\n"))?;
    installation.token = Some(token);
    let mut server = Server::start(&installation).await?;
    let api = server.data_api();
    let bearer = |token| format!("Bearer {token}");
    for (headers, status) in [
        (vec![], StatusCode::UNAUTHORIZED),
        (
            vec![("authorization", bearer("another-token-of-no-use"))],
            StatusCode::UNAUTHORIZED,
        ),
        (vec![("authorization", bearer(TOKEN))], StatusCode::OK),
    ] {
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let reply = api
            .request(Method::GET, PATH, &headers, Bytes::new())
            .await?;
        assert_eq!(reply.status, status, "{headers:?}: {reply}");
    }
    server.command(&["sub", "list"]).await?;

    // The document is behind the same door; the command prints it without a host.
    let (document, bearer) = ("/v1/openapi.json", bearer(TOKEN));
    let refused = api.get(document).await?;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{refused}");
    let headers = [("authorization", bearer.as_str())];
    let served = api
        .request(Method::GET, document, &headers, Bytes::new())
        .await?;
    let printed = Command::new(artifacts::program("wasmill")?)
        .arg("openapi")
        .output()?;
    assert_eq!(served.success()?.body, printed.stdout.trim_ascii_end());
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_web_pages_are_refused_and_other_machines_cannot_connect() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let installation = Installation::empty(folder.path(), ROUTES)?;
    let mut server = Server::start(&installation).await?;
    let api = server.data_api();
    let page = [("origin", "https://example.com")];
    let reply = api.request(Method::GET, PATH, &page, Bytes::new()).await?;
    assert_eq!(reply.status, StatusCode::FORBIDDEN, "{reply}");
    let reply = api.send(Method::PUT, PATH, Bytes::new()).await?;
    assert_eq!(reply.status, StatusCode::METHOD_NOT_ALLOWED, "{reply}");
    ensure!(reply.headers.contains_key("allow"), "{reply}");
    assert_eq!(api.get(PATH).await?.status, StatusCode::OK);
    server.stop().await?;

    let open = Command::new(artifacts::program("wasmill")?)
        .args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--api",
            "0.0.0.0:0",
            "--routes",
        ])
        .arg(&installation.routes)
        .arg("--plugins")
        .arg(&installation.plugins)
        .arg("--data")
        .arg(&installation.data)
        .output()?;
    let said = String::from_utf8_lossy(&open.stderr);
    assert_eq!(open.status.code(), Some(2), "{said}");
    ensure!(said.contains("--api-token-file"), "{said}");
    Ok(())
}
