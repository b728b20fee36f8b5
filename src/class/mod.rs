//! The class: a hub on the presenter's machine that serves the walks and a room around them. The presenter pushes
//! the step to take, never code or data; each browser computes the same run.
//!
//! * [`room`]: learners, step and votes as plain data; changed by [messages](crate::join::message); [`room_shift`]: an on-call shift that
//!   all take; [`offer`]: the incidents, and what their pages ask
//! * [`hub`]: the room behind a lock, its [`mod@file`], and what each browser is sent
//! * [`server`]: HTTP; [`guard`]: checks before it; [`results`]: results for files
//! * [`standing`]: the texts for a learner
//! * HTML: [`pages`]: the documents; [`panel`]: the class beside a walk; [`board`]: its shift; [`invitation`]: how to join

pub mod board;
pub mod file;
pub mod guard;
pub mod hub;
pub mod invitation;
pub mod offer;
pub mod pages;
pub mod panel;
pub mod results;
pub mod room;
pub mod room_shift;
pub mod server;
pub mod standing;
