//! The number of files that the process may open: a connection is one.

/// Enough for as many connections as the listeners take at once, and the store's files.
const WANTED: u64 = 32_768;
/// Below this the host is short of them soon after its start.
const FEW: u64 = 4_096;

/// Raises the soft limit as far as the hard one allows.
pub(crate) fn raise_limit() {
    match rlimit::increase_nofile_limit(WANTED) {
        Ok(limit) if limit >= FEW => tracing::debug!(limit, "open files"),
        Ok(limit) => tracing::warn!(
            limit,
            "few files may be open, and each connection is one: raise the hard limit to {WANTED}, \
             with `ulimit -Hn`, or `LimitNOFILE=` of the service"
        ),
        Err(error) => tracing::warn!(%error, "the limit of open files could not be raised"),
    }
}
