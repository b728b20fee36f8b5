//! An on-call shift on screen: its menu, and its debrief.

use std::path::PathBuf;

use firedrill_core::event::Clock;
use firedrill_core::session::shift::menu::Menu;
use firedrill_core::session::shift::scenario::Scenario;

pub use crate::drill::debrief::Debriefed;

/// A shift to open.
#[derive(Debug)]
pub struct ShiftOptions {
    /// The outage.
    pub scenario: Scenario,
    /// The clock.
    pub clock: Clock,
    /// Days since 1970 of a daily shift.
    pub daily: Option<u64>,
    /// The file for the draft of a post-mortem.
    pub export: Option<PathBuf>,
}

/// The part of a shift that is on screen.
#[derive(Debug, Default)]
pub struct ShiftScreen {
    /// The menu.
    pub menu: Menu,
    /// The row of it under the cursor.
    pub cursor: usize,
    /// Lines that the facts, or the debrief, are scrolled; none: not scrolled by hand.
    pub down: Option<usize>,
    /// A value that is typed.
    pub typed: String,
    /// Days since 1970 of a daily shift.
    pub daily: Option<u64>,
    /// The file for the draft of a post-mortem.
    pub export: Option<PathBuf>,
    /// True while the runs are computed that the shift is compared with.
    pub is_comparing: bool,
    /// The debrief, once it is there.
    pub debrief: Option<Box<Debriefed>>,
}
