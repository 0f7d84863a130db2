//! The number of files that the process may open: a connection is one.

/// Descriptors below which thousands of clients cannot be connected at once.
const WANTED: u64 = 32_768;

/// Raises the soft limit as far as the hard one allows.
pub(crate) fn raise_limit() {
    match rlimit::increase_nofile_limit(WANTED) {
        Ok(limit) if limit >= WANTED => {}
        Ok(limit) => tracing::warn!(
            limit,
            "few files may be open; raise `ulimit -Hn` for more clients"
        ),
        Err(error) => tracing::warn!(%error, "the limit of open files could not be raised"),
    }
}
