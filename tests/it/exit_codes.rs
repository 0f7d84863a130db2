//! What scripts learn from a command's end: 2 if what it was told is wrong, 1 if the host refused.

use std::fs;

use anyhow::{Result, ensure};
use testkit::server::Server;

use crate::world::{COUNTER, Host};

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_is_told_nonsense_ends_with_2_and_one_that_is_refused_with_1() -> Result<()>
{
    let mut host = Host::with(COUNTER, &["counter"]).await?;
    let server = &mut host.server;
    for nonsense in [
        &["send", "work", "--delay", "90x"][..],
        &["send", "work", "--delay-level", "19"],
        &["send", "wrok"],
        &["send", "work", "--body-file", "/nonexistent"],
        &["sub", "move", "worker", "--to", "yesterday"],
        &["message", "recall", "nonsense"],
        &["trace", "nope"],
    ] {
        ends(server, nonsense, 2, "").await?;
    }
    let nobody = "0123456789abcdef0123456789abcdef";
    ends(server, &["send", "wrok"], 2, "did you mean `work`?").await?;
    for refused in [
        &["sub", "move", "worke", "--to", "first"][..],
        &["message", "show", nobody],
        &["timer", "cancel", "counter", "t", "--key", "k"],
        &["request", "work", "--reply-on", "counted", "--wait", "1ms"],
    ] {
        ends(server, refused, 1, "").await?;
    }
    server.stop().await?;
    ends(server, &["sub", "list"], 1, "is the host running?").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_a_file_that_is_wrong_is_told_by_its_line() -> Result<()> {
    let mut host = Host::with(COUNTER, &["counter"]).await?;
    let file = host.installation.routes.with_file_name("lines.json");
    let lines = ["send", "work", "--lines", &file.to_string_lossy()];
    for (wrong, said) in [
        (r#"{"delay": "90x"}"#, "line 4: `90x` is no span of time"),
        (r#"{"dealy": "90s"}"#, "line 4: unknown field `dealy`"),
        (r#"{"key": 7}"#, "line 4: invalid type: integer `7`"),
        ("[]", "line 4: it is no message"),
    ] {
        // The empty line is none of the batch, but is counted.
        fs::write(
            &file,
            format!("{{}}\n\n{{\"key\": \"k\"}}\n{wrong}\n{{}}\n"),
        )?;
        ends(&host.server, &lines, 2, said).await?;
    }
    host.server.stop().await
}

async fn ends(server: &Server, args: &[&str], code: i32, said: &str) -> Result<()> {
    let output = server.run(args).await?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.code() == Some(code) && stderr.contains(said),
        "{args:?}: {}: {stderr}",
        output.status
    );
    Ok(())
}
