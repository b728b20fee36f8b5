//! "Fix it yourself": a learner's package, built and judged each time it is saved.
//!
//! * [`package`]: the folder that a learner works in: laid out, checked, put back
//! * [`build`]: from that folder to a program
//! * [`trial`]: loads that are not on the screen, and what happened under one
//! * [`judge`]: what the claims of `fixed` amount to under several of them
//! * [`told`]: the verdict, for people
//! * [`sitting`]: the loop: save, build, judge, hint
//!
//! What a learner wrote never runs in this process: it is another lane's child.

pub mod build;
pub mod judge;
pub mod package;
pub mod sitting;
pub mod told;
pub mod trial;
