//! The limit on open files: every request in flight holds one at each end.

use crate::figures::count;

/// Files that a process of ours holds beside its requests: standard streams, pipes to children,
/// the runtime's own.
const OTHERS: u64 = 128;

/// The system's hard limit does not allow what a run needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "this run needs {} open files, and the system allows {}: \
     raise the hard limit (`ulimit -Hn`), or lower the rate or the number of lanes",
    count(*.needed), count(*.hard)
)]
pub struct TooFewFiles {
    /// Open files that the run needs.
    pub needed: u64,
    /// The system's hard limit.
    pub hard: u64,
}

/// Open files that a process needs for `in_flight` requests at once.
pub fn needed(in_flight: f64) -> u64 {
    OTHERS + in_flight.ceil() as u64
}

/// The soft and the hard limit of this process; none where the system has no such limit.
///
/// # Errors
///
/// When the system does not tell.
#[cfg(unix)]
pub fn limits() -> std::io::Result<Option<(u64, u64)>> {
    rlimit::Resource::NOFILE.get().map(Some)
}

/// On this system sockets are no files, and no limit need be raised.
///
/// # Errors
///
/// Never.
#[cfg(not(unix))]
pub fn limits() -> std::io::Result<Option<(u64, u64)>> {
    Ok(None)
}

/// Raises the soft limit as far as the hard one allows, and checks that it is enough.
///
/// # Errors
///
/// When it is not.
pub fn raise(needed: u64) -> Result<(), TooFewFiles> {
    // Where the system does not tell its limits, opening a file will.
    #[cfg(unix)]
    let reached = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(needed);
    #[cfg(not(unix))]
    let reached = u64::MAX;
    if reached < needed { Err(TooFewFiles { needed, hard: reached }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_need_beyond_the_hard_limit_is_refused_with_both_figures() {
        raise(needed(10.0)).expect("138 files are little");
        let refused = raise(1 << 40).expect_err("no system allows this");
        assert!(refused.to_string().contains("1,099,511,627,776 open files"), "{refused}");
    }
}
