//! The class: a hub on the presenter's machine that serves the walks and a room around them. The presenter pushes
//! the step to take, never code or data; each browser computes the same run.
//!
//! * [`room`]: learners, step and votes as plain data; [`offer`]: the incidents, and what their pages ask
//! * [`hub`]: the room behind a lock, its [`mod@file`], and what each browser is sent
//! * [`server`]: HTTP; [`guard`]: checks before it; [`pages`]: HTML; [`results`]: results for files

pub mod file;
pub mod guard;
pub mod hub;
pub mod offer;
pub mod pages;
pub mod results;
pub mod room;
pub mod server;
