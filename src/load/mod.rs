//! Open-loop load: the schedule says when each request should start, and latency counts from
//! then, whether or not the server kept up.
//!
//! * [`schedule`]: when requests are due, and of which kind; seeded
//! * [`pacer`]: a thread that waits for each due time
//! * [`driver`]: starts due requests in every lane, with their time-out
//! * [`under_way`]: one request that has started, on either clock
//! * [`http`]: one request over TCP, on kept-alive connections
//! * [`saturate`]: as fast as a server answers, for benchmarks
//! * [`tally`]: what became of them

pub mod driver;
pub mod http;
pub mod pacer;
pub mod saturate;
pub mod schedule;
pub mod tally;
pub mod under_way;

pub use driver::Driver;
pub use schedule::Schedule;
