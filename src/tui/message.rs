//! Messages to the screen, and the commands that it answers with.

use std::path::PathBuf;

use crossterm::event::{KeyEvent, MouseEvent};
use firedrill_core::event::Event;
use firedrill_core::session::Effect;
use firedrill_core::session::track::RunId;

use super::shift::Debriefed;
use crate::join::message::FromLearner;
use crate::join::state::News;
use crate::keyboard::Edit;

/// A message to the screen.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "events are most of them, and are not kept")]
pub enum Msg {
    /// A key was pressed.
    Key(KeyEvent),
    /// Edits the typed text.
    Edit(Edit),
    /// Text was pasted.
    Paste(String),
    /// The program, or the whole machine, was suspended for so many seconds.
    StoodStill(f64),
    /// The mouse was used.
    Mouse(MouseEvent),
    /// The terminal has a new size.
    Resize(u16, u16),
    /// An event of a run.
    Run(RunId, Event),
    /// A run has ended by itself; where it should not have, for this reason.
    RunEnded(RunId, Option<String>),
    /// This many milliseconds have passed.
    Passed(f64),
    /// The recording of a run has begun, or could not be, or is lost.
    Recording(RunId, Result<PathBuf, String>),
    /// A panic somewhere beside the screen.
    Panicked(String),
    /// The program that had the terminal has ended, or could not be started.
    GivenBack(Result<(), String>),
    /// News of the class.
    Class(News),
    /// The debrief of a shift has been computed, or could not be.
    Debriefed(Result<Box<Debriefed>, String>),
}

/// A command of the screen.
#[derive(Debug)]
pub enum Command {
    /// Leave the program.
    Quit,
    /// Carry out an effect of the session.
    Session(Effect),
    /// Record this run from now on; none: record no longer.
    Record(Option<RunId>),
    /// Hand the terminal to tokio-console, connected to this port.
    Console(u16),
    /// Hand the terminal to the editor, with this file at this line.
    Edit(PathBuf, usize),
    /// Hand the terminal to the exercise of this incident.
    Exercise(String),
    /// Compute the debrief of the shift.
    Debrief,
    /// Send this to the class.
    Say(FromLearner),
}
