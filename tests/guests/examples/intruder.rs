//! A guest that tries what it was not granted, and reports what came of it, one try a line.

use std::fmt::Display;
use std::net::TcpStream;
use std::time::{SystemTime, UNIX_EPOCH};
use std::{env, fs};

use wasmill_test_guests::guest::{Failure, Message, config, retry, state};

wasmill_test_guests::handler!(handle);

fn handle(message: &Message) -> Result<(), Failure> {
    let address = String::from_utf8_lossy(&message.body).into_owned();
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let report = [
        told(
            "absolute path",
            fs::read("/etc/passwd").map(|found| found.len()),
        ),
        told(
            "parent path",
            fs::read("../../etc/passwd").map(|found| found.len()),
        ),
        told("link", fs::read("/link").map(|found| found.len())),
        told("socket", TcpStream::connect(address).map(|_| "connected")),
        told("environment", Ok::<_, &str>(env::vars().count())),
        told("clock", Ok::<_, &str>(since_epoch.as_millis())),
        told("config", config::get("greeting").ok_or("none")),
    ];
    state::put("report", report.join("\n").as_bytes()).map_err(retry)
}

fn told(what: &str, came: Result<impl Display, impl Display>) -> String {
    match came {
        Ok(value) => format!("{what}: {value}"),
        Err(_) => format!("{what}: denied"),
    }
}
