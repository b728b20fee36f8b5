//! The content of a page that a session lives in.

use serde::Serialize;

/// The content of a page. The parts are HTML; a part that stays the same need not be replaced.
#[derive(Debug, Clone, Serialize)]
pub struct Drawn {
    /// Title, which does not give a cause away.
    pub title: String,
    /// Progress: `page 3 of 11`.
    pub progress: String,
    /// The lanes: figures and charts.
    pub lanes: String,
    /// The text, the question, the menu.
    pub page: String,
    /// True while something is waited for: the page says how much time has passed.
    pub running: bool,
    /// The data to keep, as JSON.
    pub kept: String,
}
