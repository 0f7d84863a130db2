//! `wasmill check`: what it calls good is what a host would serve.

use std::fs;
use std::process::Output;

use anyhow::{Result, ensure};
use testkit::projects::{said, wasmill};
use wasmill_component::{Capabilities, Manifest};

const ROUTES: &str = r#"
[topics]
"work" = {}
"counted" = {}

[subscriptions.worker]
topic = "work"
plugin = "counter"
"#;

#[test]
fn a_signed_plugin_is_good_where_signatures_are_required() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let root = folder.path();
    let trusted = said(&mut wasmill(root, ["plugin", "keygen", "key"]))?;
    said(&mut wasmill(root, ["plugin", "keygen", "other"]))?;
    let again = wasmill(root, ["plugin", "keygen", "other"]).output()?;
    refused(&again, "other is there already")?;
    let routes = format!("{ROUTES}[signatures]\nrequired = true\n{trusted}");
    fs::write(root.join("routes.toml"), routes)?;
    fs::create_dir(root.join("plugins"))?;
    let counter = wasmill_test_guests::bytes("counter");
    fs::write(root.join("plugins/counter.wasm"), counter)?;

    let check = || {
        wasmill(
            root,
            ["check", "--routes", "routes.toml", "--plugins", "plugins"],
        )
    };
    refused(&check().output()?, "counter: it must be signed")?;
    let sign = |key| {
        let args = ["plugin", "sign", "plugins/counter.wasm", "--key", key];
        said(&mut wasmill(root, args))
    };
    sign("other")?;
    refused(&check().output()?, "of another file, or of a key")?;
    sign("key")?;
    let told = said(&mut check())?;
    ensure!(told.contains("counter: good, version "), "{told}");
    Ok(())
}

#[test]
fn a_plugin_that_would_be_held_is_not_good() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let root = folder.path();
    fs::create_dir(root.join("plugins"))?;
    let manifest = Manifest {
        name: "counter".to_owned(),
        version: "1".to_owned(),
        language: None,
        description: None,
        capabilities: Capabilities {
            http: ["pay.example".to_owned()].into(),
            files: true,
            ..Capabilities::default()
        },
        routes: None,
        state_version: 1,
    };
    let counter = manifest.embed(&wasmill_test_guests::bytes("counter"));
    fs::write(root.join("plugins/counter.wasm"), counter)?;

    let check = || {
        wasmill(
            root,
            ["check", "--routes", "routes.toml", "--plugins", "plugins"],
        )
    };
    fs::write(root.join("routes.toml"), ROUTES)?;
    let output = check().output()?;
    for because in [" is held: ", "pay.example", "files"] {
        refused(&output, because)?;
    }
    let grants = "[plugins.counter.grants]\nhttp = [\"pay.example\"]\nfiles = true\n";
    fs::write(root.join("routes.toml"), format!("{ROUTES}{grants}"))?;
    let told = said(&mut check())?;
    ensure!(told.contains("counter: good, version "), "{told}");
    Ok(())
}

fn refused(output: &Output, because: &str) -> Result<()> {
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.code() == Some(2) && stderr.contains(because),
        "{}: {stderr}",
        output.status
    );
    Ok(())
}
