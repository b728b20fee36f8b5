//! Why nothing can be said of an expectation.

use serde::Serialize;

/// Why nothing can be said of an expectation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Undecided {
    /// The run ended before the check's period did.
    TooShort,
    /// The process ended before enough of the period had passed.
    ProcessEnded,
    /// At this load the bug does not show, or not in time.
    CannotShow,
    /// The rate or a parameter was changed before enough of the period had passed.
    Changed,
    /// The lane that it is compared with did not run.
    NotBeside,
    /// A process of a lane could not be started again.
    NotStarted,
    /// The load generator was suspended, and its requests came in one burst.
    DriverStood,
    /// The load driver was late throughout.
    DriverLate,
    /// The load driver could not send some requests.
    NotSent,
    /// The clock of the machine jumped, and certificates go by it.
    ClockJumped,
    /// A process was killed, and not by its supervisor.
    Killed,
    /// It is about a share of requests, of which there were too few.
    TooFew,
}

impl Undecided {
    /// For people.
    pub fn says(self) -> &'static str {
        match self {
            Self::TooShort => "the run ended too soon",
            Self::ProcessEnded => "its process ended too soon",
            Self::CannotShow => "at this load the bug does not show in time",
            Self::Changed => "load or settings were changed too soon",
            Self::NotBeside => "the lane to compare with did not run",
            Self::NotStarted => "a lane could not be started again",
            Self::DriverLate => "the load driver was late: this machine was too busy",
            Self::DriverStood => {
                "the load generator was suspended, and its requests came in one burst"
            }
            Self::NotSent => "this machine had no connection left for some of the requests",
            Self::ClockJumped => "the clock of this machine jumped, and certificates go by it",
            Self::Killed => "a process was killed from outside: by the system, or by hand",
            Self::TooFew => "there were too few requests to compute a share of them",
        }
    }
}
