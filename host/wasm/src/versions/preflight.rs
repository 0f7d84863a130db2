//! What a version asks for beyond what it may have without being looked at.
//!
//! Two things are compared with the capabilities in its manifest: the grants in force, since what
//! is not granted is denied when it runs; and what the last version asked for that served and has a
//! manifest, since what is new in a version is for an operator to see. A version without a
//! manifest does not say what it asks for, and tells nothing of what the next one may ask for.
//!
//! What a manifest does not ask for, its version does not have: the grants are narrowed to it.

use wasmill_component::Capabilities;
use wasmill_model::routes::Grants;

/// Each capability that is not granted, or was not asked for before, and what lets it in.
pub(super) fn beyond(
    asked: &Capabilities,
    grants: &Grants,
    before: Option<&Capabilities>,
) -> Vec<String> {
    let mut beyond = Vec::new();
    let mut look = |what: String, grant: String, granted: bool, before: Option<bool>| {
        if !granted {
            beyond.push(format!("it asks for {what}, which {grant} does not grant"));
        } else if before == Some(false) {
            beyond.push(format!(
                "it asks for {what}, which the version before did not"
            ));
        }
    };
    for host in &asked.http {
        let same = |other: &String| other.eq_ignore_ascii_case(host);
        let granted = grants.http.iter().any(same);
        let asked_before = before.map(|it| it.http.iter().any(same));
        look(
            format!("HTTP to {host}"),
            "`grants.http`".into(),
            granted,
            asked_before,
        );
    }
    if asked.files {
        let what = "a directory of its own".to_owned();
        look(
            what,
            "`grants.files`".into(),
            grants.files,
            before.map(|it| it.files),
        );
    }
    for name in &asked.env {
        let granted = grants.env.contains_key(name);
        let asked_before = before.map(|it| it.env.contains(name));
        let what = format!("the environment variable {name}");
        look(what, "`grants.env`".into(), granted, asked_before);
    }
    for name in &asked.secrets {
        let granted = grants.secrets.contains_key(name);
        let asked_before = before.map(|it| it.secrets.contains(name));
        let what = format!("the secret {name}");
        look(what, "`grants.secrets`".into(), granted, asked_before);
    }
    beyond
}

/// What a version has of the grants if it asks for so much, and what of them it does not have.
pub(crate) fn narrowed(grants: &Grants, asked: &Capabilities) -> (Grants, Vec<String>) {
    let mut unasked = Vec::new();
    let mut keeps = |is_asked: bool, what: String| {
        if !is_asked {
            unasked.push(what);
        }
        is_asked
    };
    let mut left = grants.clone();
    let asks_host = |host: &String| asked.http.iter().any(|it| it.eq_ignore_ascii_case(host));
    left.http
        .retain(|host| keeps(asks_host(host), format!("HTTP to {host}")));
    left.http_private.retain(asks_host);
    left.env
        .retain(|name, _| keeps(asked.env.contains(name), format!("the variable {name}")));
    left.secrets
        .retain(|name, _| keeps(asked.secrets.contains(name), format!("the secret {name}")));
    left.files = grants.files && keeps(asked.files, "files".to_owned());
    (left, unasked)
}
