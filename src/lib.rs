//! firedrill replays real outages on your own machine.
//!
//! It starts the service of a post-mortem twice, once with the bug and once without, sends both
//! the same traffic, and shows side by side how one of them dies. What runs anywhere, and what an
//! incident is, is [`firedrill_core`]; the incidents are [`firedrill_incidents`]. Here is the rest:
//!
//! * [`pack`]: the incidents of this build
//! * [`heap`], [`instruments`]: what this program brings to a lane's child, which is [`firedrill_core::child`]
//! * [`load`]: the open-loop driver
//! * [`run`]: the parent: children, load, memory cap, restarts, one stream of events
//! * [`recorder`]: the events of a run to a file; [`files`]: how files take the place of older ones, names, locks
//! * [`supervise`]: programs that end with their parent; [`guest`]: one that the terminal is lent to
//! * [`keyboard`], [`terminal_size`]: what a terminal tells
//! * [`drill`]: on-call shifts: their runs, programs on call, history
//! * [`exercise`]: "fix it yourself": a learner's package, built and judged
//! * [`tui`]: the terminal; [`book`]: the book's preprocessor; [`class`]: a room of learners around its walks;
//!   [`join`]: the messages of a class, and a terminal in it
//! * [`serving`]: HTTP for people's browsers
//! * [`commands`]: what each command does; [`cli`]: what can be typed
//!
//! Data flows one way: children and driver make events, `run` merges them, everything else reads.
//!
//! Where to find a concept: supervision is in `run::lane`, back-pressure between a run and its
//! reader in `run`, open-loop arrivals in `load::pacer`, the virtual clock in
//! `firedrill_core::lane`, percentiles that count what never came back in
//! `firedrill_core::load::tally`.

#[cfg(feature = "book")]
pub mod book;
#[cfg(feature = "class")]
pub mod class;
pub mod cli;
pub mod commands;
mod diff;
pub mod drill;
pub mod exercise;
pub mod files;
pub mod guest;
pub mod heap;
pub mod instruments;
pub mod join;
pub mod keyboard;
pub mod load;
pub mod notice;
pub mod pack;
pub mod recorder;
pub mod run;
#[cfg(feature = "book")]
pub mod serving;
pub mod supervise;
pub mod terminal_size;
pub mod tui;
pub mod user_state;
