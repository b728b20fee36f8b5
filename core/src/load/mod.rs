//! Open-loop load, but for its sending: the schedule says when each request should start, and
//! latency counts from then, whether or not the server kept up.
//!
//! * [`schedule`]: when requests are due, and of which kind; seeded
//! * [`in_flight`]: one request that has started, on either clock
//! * [`tally`]: what became of them

pub mod in_flight;
pub mod schedule;
pub mod tally;

pub use schedule::Schedule;
