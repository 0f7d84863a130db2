//! What plugins are given: settings, limits and grants.

use super::{good, refused};

#[test]
fn config_reaches_the_plugin_as_text_whatever_its_type() {
    let routes = good(
        "[plugins.p]\nconfig = { a = 1.50, b = true, c = 0xff, d = [1, \"x\"], e = { f = 2 }, \
         g = 1979-05-27 }",
    );
    let plugin = routes.plugin("p");
    let config: Vec<_> = plugin.config.values().map(String::as_str).collect();
    assert_eq!(
        config,
        [
            "1.50",
            "true",
            "255",
            "[1,\"x\"]",
            "{\"f\":2}",
            "1979-05-27"
        ]
    );
}

#[test]
fn a_plugins_part_of_the_host_has_bounds() {
    let cases = [
        (
            "concurrency = 0",
            "line 9, column 15: `plugins.p.concurrency` is 0, which is not from 1 to 4096",
        ),
        (
            "share = 101",
            "line 9, column 9: `plugins.p.share` is 101, which is not from 1 to 100",
        ),
    ];
    for (line, expected) in cases {
        refused(&format!("[plugins.p]\n{line}\n"), expected);
    }
}

#[test]
fn plugin_tables_are_checked_field_by_field() {
    let cases = [
        (
            "isolation = \"none\"",
            "line 9, column 13: `plugins.p.isolation` is `none`, but must be `pooled` or `per-message`",
        ),
        (
            "limits.memory_bytes_max = \"5GiB\"",
            "line 9, column 27: `plugins.p.limits.memory_bytes_max` is 5GiB, which is not from 1 byte to 4 GiB",
        ),
        (
            "limits.deadline = 10",
            "line 9, column 19: `plugins.p.limits.deadline` is 10 without a unit: write it in quotes with one, as `\"10s\"`",
        ),
        (
            "limits.deadline = \"10\"",
            "line 9, column 19: `plugins.p.limits.deadline` is 10 without a unit: write it in quotes with one, as `\"10s\"`",
        ),
        (
            "limits.memory_bytes_max = \"big\"",
            "line 9, column 27: `plugins.p.limits.memory_bytes_max` is `big`, which is not a size such as `64KiB`",
        ),
        (
            "limits.fuel_max = 0",
            "line 9, column 19: `plugins.p.limits.fuel_max` is 0, which is not from 1 to 1000000000000",
        ),
        (
            "limits.deadline = \"0s\"",
            "line 9, column 19: `plugins.p.limits.deadline` is 0s, which is not from 1ms to 1h",
        ),
        (
            "limits.sends_max = 0",
            "line 9, column 20: `plugins.p.limits.sends_max` is 0, which is not from 1 to 100000",
        ),
        (
            "limits.effect_bytes_max = 0",
            "line 9, column 27: `plugins.p.limits.effect_bytes_max` is 0, which is not from 1 byte to 256 MiB",
        ),
    ];
    for (line, expected) in cases {
        refused(&format!("[plugins.p]\n{line}\n"), expected);
    }
    refused(
        "[plugins.\"a.b\"]\n",
        "line 8, column 10: the plugin's name is `a.b`, which cannot name a plugin: its file's \
         stem has 1 to 64 letters, digits, `-` and `_`, beginning with a letter or digit",
    );
}

#[test]
fn grants_are_checked_field_by_field() {
    let cases = [
        (
            "grants.http = [\"http://a\"]",
            "line 9, column 16: `plugins.p.grants.http[1]` is `http://a`, but must be a host or host:port such as `api.example.com:443`",
        ),
        (
            "grants.files = \"yes\"",
            "line 9, column 16: `plugins.p.grants.files` is a string, but must be true or false",
        ),
        (
            "grants.env = { \"A=B\" = \"1\" }",
            "line 9, column 24: `plugins.p.grants.env.\"A=B\"` cannot name an environment variable: remove `=` and NUL",
        ),
        (
            "grants.env = { A = 1 }",
            "line 9, column 20: `plugins.p.grants.env.A` is an integer, but must be a text in quotes",
        ),
        (
            "grants.http_private = [\"ledger.internal\"]",
            "line 9, column 23: `plugins.p.grants.http_private` has `ledger.internal`, which is not among `http`: grant it there as well",
        ),
        (
            "grants.http_limits = { total = \"0s\" }",
            "line 9, column 32: `plugins.p.grants.http_limits.total` is 0s, which is not from 1ms to 1h",
        ),
        (
            "grants.http_limits = { concurrency = 0 }",
            "line 9, column 38: `plugins.p.grants.http_limits.concurrency` is 0, which is not from 1 to 65536",
        ),
        (
            "grants.secrets = { KEY = \"key.txt\" }",
            "line 9, column 26: `plugins.p.grants.secrets.KEY` is `key.txt`, but must be the absolute path of a file, such as `/run/secrets/stripe`",
        ),
    ];
    for (line, expected) in cases {
        refused(&format!("[plugins.p]\n{line}\n"), expected);
    }
    refused(
        "[plugins.p]\nconfig = { KEY = 1 }\ngrants.secrets = { KEY = \"/run/key\" }\n",
        "line 8, column 1: `plugins.p` has `KEY` among its config and among its secrets, which \
         `config.get` both returns: rename one",
    );
}

#[test]
fn grants_are_read_as_they_are_documented() {
    let routes = good(
        "[plugins.p.grants]\nhttp = [\"api.example.com\", \"ledger.internal:8080\"]\n\
         http_private = [\"Ledger.internal:8080\"]\nsecrets = { KEY = \"/run/key\" }\n\
         [plugins.p.grants.http_limits]\nconnect = \"5s\"\ntotal = \"30s\"\n\
         response_bytes_max = \"1MiB\"\nconcurrency = 64\n",
    );
    let grants = &routes.plugin("p").grants;
    assert_eq!(grants.http_private, ["ledger.internal:8080"]);
    let limits = grants.http_limits;
    assert_eq!(
        (
            limits.connect.as_secs(),
            limits.first_byte.as_secs(),
            limits.total.as_secs()
        ),
        (5, 60, 30)
    );
    assert_eq!(
        (
            limits.request_bytes_max,
            limits.response_bytes_max,
            limits.concurrency
        ),
        (16 << 20, 1 << 20, 64)
    );
    assert_eq!(grants.secrets["KEY"].path.to_str(), Some("/run/key"));
}
