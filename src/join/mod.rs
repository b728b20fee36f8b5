//! A class as a learner's terminal takes part in it, and the messages that both ends know.
//!
//! * [`message`]: the messages to a class; [`state`]: the class as a learner sees it
//! * [`client`]: the connection to a class

pub mod client;
pub mod message;
pub mod state;
