//! The class: a hub on the presenter's machine that serves the walks and a room around them. The presenter pushes
//! the step to take, never code or data; each browser computes the same run.
//!
//! * [`room`]: learners, step and votes as plain data; [`message`]: what changes it; [`room_shift`]: an on-call shift that
//!   all take; [`offer`]: the incidents, and what their pages ask
//! * [`hub`]: the room behind a lock, its [`mod@file`], and what each browser is sent
//! * [`server`]: HTTP; [`guard`]: checks before it; [`results`]: results for files
//! * [`state`]: the class as a learner sees it, as data, made by [`standing`]; [`client`]: a learner's terminal
//! * HTML: [`pages`]: the documents; [`panel`]: the class beside a walk; [`board`]: its shift; [`invitation`]: how to join

#[cfg(feature = "class")]
pub mod board;
pub mod client;
#[cfg(feature = "class")]
pub mod file;
#[cfg(feature = "class")]
pub mod guard;
#[cfg(feature = "class")]
pub mod hub;
#[cfg(feature = "class")]
pub mod invitation;
pub mod message;
#[cfg(feature = "class")]
pub mod offer;
#[cfg(feature = "class")]
pub mod pages;
#[cfg(feature = "class")]
pub mod panel;
#[cfg(feature = "class")]
pub mod results;
#[cfg(feature = "class")]
pub mod room;
#[cfg(feature = "class")]
pub mod room_shift;
#[cfg(feature = "class")]
pub mod server;
#[cfg(feature = "class")]
pub mod standing;
pub mod state;
