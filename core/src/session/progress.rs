//! Progress of a learner, as data: a front end keeps it where it can.

use serde::{Deserialize, Serialize};

/// Progress in a walk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WalkProgress {
    /// Pages that were reached.
    pub pages: usize,
    /// True if the last page was reached.
    pub finished: bool,
    /// The page at which it was left the last time, from 1; 0: not known.
    #[serde(default)]
    pub last_page: usize,
    /// True if the last attempt reached the end.
    #[serde(default)]
    pub last_finished: bool,
    /// Hints that were taken the last time.
    #[serde(default)]
    pub hints: usize,
    /// Questions that were answered the last time.
    #[serde(default)]
    pub answered: usize,
    /// Questions that were answered rightly the last time.
    #[serde(default)]
    pub right: usize,
}
