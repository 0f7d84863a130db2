//! Asking producers outside what is to become of half messages that they left unsettled.

use std::future::Future;
use std::pin::Pin;

use wasmill_model::Name;
use wasmill_model::half::{self, Decision, Half};

/// Longest URL at which a producer is asked.
const URL_BYTES_MAX: usize = 2_048;

/// An answer on its way; a text if it does not decide: why.
pub type Asking<'a> = Pin<Box<dyn Future<Output = Result<Decision, String>> + Send + 'a>>;

/// Asks producers.
pub trait CheckBack: Send + Sync + 'static {
    /// Asks at `url`, for a bounded time.
    fn ask<'a>(&'a self, url: &'a str, half: &'a Half) -> Asking<'a>;
}

/// Whether the operator lets the host ask at `url`: its host and port must be among `hosts`.
///
/// # Errors
/// What is wrong with the URL, or what to add to the routes.
pub fn granted(url: &str, hosts: &[Name]) -> Result<(), String> {
    if url.len() > URL_BYTES_MAX {
        return Err(format!("a URL has at most {URL_BYTES_MAX} bytes"));
    }
    let is_plain = |it: u8| it.is_ascii_graphic() && !br#""<>\\^`{|}"#.contains(&it);
    if !url.bytes().all(is_plain) {
        return Err("it has characters that no URL has: escape them with `%`".to_owned());
    }
    if !url.starts_with("http://") {
        return Err(format!("`{url}` does not begin with `http://`"));
    }
    let authority = half::authority(url);
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|it| it.is_ascii_digit()) => {
            host
        }
        _ => {
            return Err(format!(
                "`{url}` names no port: write `http://host:port/path`"
            ));
        }
    };
    if host.is_empty() || authority.contains('@') {
        return Err(format!("`{url}` names no plain host"));
    }
    if hosts.iter().any(|it| it.eq_ignore_ascii_case(authority)) {
        return Ok(());
    }
    Err(format!(
        "the routes do not let `{authority}` be asked: add it to `check_hosts` of the topic's \
         `[transactions]`"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hosts_that_are_granted_are_asked() {
        let hosts = [Name::from("127.0.0.1:80"), "[::1]:81".into()];
        assert_eq!(granted("http://127.0.0.1:80/check?a=b", &hosts), Ok(()));
        assert_eq!(granted("http://[::1]:81", &hosts), Ok(()));
        for (url, said) in [
            ("http://127.0.0.1:81/", "check_hosts"),
            ("http://127.0.0.1:80/a b", "escape"),
            ("http://127.0.0.1:80/\r\nx: y", "escape"),
            ("http://127.0.0.1:80/{a}", "escape"),
            ("http://127.0.0.1:80@evil:80/", "plain host"),
            ("http://127.0.0.1/", "no port"),
            ("http://[::1]/", "no port"),
            ("http://:80/", "plain host"),
            ("https://127.0.0.1:80/", "http://"),
            ("", "http://"),
        ] {
            let error = granted(url, &hosts).unwrap_err();
            assert!(error.contains(said), "{url}: {error}");
        }
    }
}
