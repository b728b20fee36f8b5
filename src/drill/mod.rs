//! On-call shifts outside the terminal: the run of a shift, the runs that it is compared with, and programs on call.
//!
//! * [`player`]: a shift and its run; [`references`]: the runs that it is compared with
//! * [`debrief`]: the end of a shift, for people and for programs; [`export`]: the draft of a post-mortem and the
//!   recording
//! * [`agent`]: a program on call, by JSON lines; [`history`]: the shifts so far

pub mod agent;
pub mod debrief;
pub mod export;
pub mod history;
pub mod player;
pub mod references;
