//! Open-loop load over TCP.
//!
//! * [`pacer`]: a thread that waits for each due time
//! * [`driver`]: starts due requests in every lane, with their timeout
//! * [`http`]: one request over TCP, on kept-alive connections
//! * [`tls`]: whom its connections trust, where a lane speaks TLS
//! * [`saturate`]: as fast as a server answers, for benchmarks

pub mod driver;
pub mod http;
pub mod pacer;
pub mod saturate;
#[cfg(feature = "tls")]
pub mod tls;
#[cfg(not(feature = "tls"))]
#[path = "no_tls.rs"]
pub mod tls;

pub use driver::Driver;
