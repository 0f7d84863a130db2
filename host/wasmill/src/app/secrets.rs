//! Secrets: the files that routes name, read whenever the routes are.

use std::fs::{self, Metadata};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use wasmill_model::routes::PluginSettings;
use wasmill_model::{Routes, Secret, secret};

/// Those who may not even look at the file of a secret: its group, if it may write, and all others.
const TOO_OPEN: u32 = 0o027;

/// Reads the secrets of all plugins into `routes`.
///
/// # Errors
/// A line for each that cannot be had: the plugin, the secret, its file and the remedy.
pub(super) fn read(routes: &mut Routes) -> Result<(), String> {
    let mut problems = Vec::new();
    for (plugin, settings) in &mut routes.plugins {
        if settings.grants.secrets.is_empty() {
            continue;
        }
        let settings: &mut PluginSettings = Arc::make_mut(settings);
        for (name, file) in &mut settings.grants.secrets {
            match read_one(&file.path) {
                Ok(secret) => file.secret = secret,
                Err(what) => {
                    let path = file.path.display();
                    problems.push(format!(
                        "`plugins.{plugin}.grants.secrets.{name}`: {path} {what}"
                    ));
                }
            }
        }
    }
    match problems.is_empty() {
        true => Ok(()),
        false => Err(problems.join("\n")),
    }
}

fn read_one(path: &Path) -> Result<Secret, String> {
    let unreadable = |error| format!("cannot be read: {error}; make it, for this user to read");
    // Looked at first: to open a pipe would wait for whoever writes to it.
    let metadata = fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err("is no file: a secret is the content of a file".to_owned());
    }
    warn_if_open(path, &metadata);
    let mut file = fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    let room = secret::BYTES_MAX as u64 + 2;
    let read = file.by_ref().take(room).read_to_end(&mut bytes);
    read.map_err(unreadable)?;
    let text = String::from_utf8(bytes)
        .map_err(|_| "is not UTF-8: encode the secret as text, such as base64".to_owned())?;
    // Editors end files with a line break, which is no part of the secret.
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if !(secret::BYTES_MIN..=secret::BYTES_MAX).contains(&text.len()) {
        return Err(format!(
            "has {} bytes or more, and a secret has from {} to {}",
            text.len(),
            secret::BYTES_MIN,
            secret::BYTES_MAX
        ));
    }
    Ok(Secret::new(text))
}

fn warn_if_open(path: &Path, metadata: &Metadata) {
    let mode = metadata.mode() & 0o777;
    if mode & TOO_OPEN != 0 {
        let path = path.display();
        tracing::warn!(
            "the secret in {path} is open to others, with mode {mode:o}: `chmod 600` the file"
        );
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn routes(path: &Path) -> Routes {
        let text = format!(
            "[topics]\na = {{}}\n[plugins.p.grants.secrets]\nKEY = {:?}\n",
            path.display().to_string()
        );
        wasmill_routes::parse(&text).expect("good routes")
    }

    fn problem(content: &[u8]) -> String {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key");
        fs::write(&path, content).expect("a file");
        read(&mut routes(&path)).expect_err("it is refused")
    }

    #[test]
    fn a_secret_is_its_files_content_without_the_last_line_break() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key");
        for content in ["sk_live_51H", "sk_live_51H\n", "sk_live_51H\r\n"] {
            fs::write(&path, content).expect("a file");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("a mode");
            let mut routes = routes(&path);
            read(&mut routes).expect("it is read");
            let settings = &routes.plugins["p"];
            assert_eq!(
                settings.grants.secrets["KEY"].secret.expose(),
                "sk_live_51H"
            );
            assert!(!format!("{routes:?}").contains("sk_live"), "it is told");
        }
    }

    #[test]
    fn what_cannot_be_a_secret_is_refused_with_its_place_and_never_shown() {
        let said = problem(b"\xff\xfe secret");
        assert!(
            said.starts_with("`plugins.p.grants.secrets.KEY`: /"),
            "{said}"
        );
        assert!(said.contains("is not UTF-8"), "{said}");
        let short = problem(b"hunter2\n");
        assert!(
            short.contains("has 7 bytes") && !short.contains("hunter2"),
            "{short}"
        );
        let long = problem(&[b'x'; secret::BYTES_MAX + 2]);
        assert!(long.contains("from 8 to 65536"), "{long}");
        let absent = read(&mut routes(Path::new("/absent/key"))).expect_err("it is absent");
        assert!(absent.contains("/absent/key cannot be read"), "{absent}");
        let folder = read(&mut routes(Path::new("/"))).expect_err("a folder");
        assert!(folder.contains("is no file"), "{folder}");
    }
}
