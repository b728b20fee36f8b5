//! Incidents and everything that runs anywhere: no terminal, no process, no socket.
//!
//! In reading order:
//!
//! * [`incident`]: the contract: manifest, chain of slots, metrics, wait sites
//! * [`random`]: chance, by name
//! * [`catalogue`]: the incidents of a pack, with their manifests
//! * [`service`]: the gateway that they break
//! * [`load`]: which requests come when, and what became of them
//! * [`event`]: everything that happens in a run, as data; [`prose`]: the same for people
//! * [`plan`]: what a run is of; [`script`]: what phases and commands change, the same on either clock
//! * `child` (a feature): a lane's child, live or virtual
//! * [`lane`]: a virtual lane: server, clients and supervision on a paused clock
//! * [`record`]: the events of a run as lines, and the reading of them
//! * [`experiment`]: faults on purpose, and how stable lanes were
//! * [`window`]: every measure over a window of time
//! * [`timeline`], [`verdict`], [`report`]: what the events amount to
//! * [`sweep`]: one run at many values of a parameter
//! * [`session`]: what one learner has before them: runs, their past, the walk
//! * `source` (a feature): the source of this package
//! * [`page`]: a recording as a page to read; [`glossary`]: words that a newcomer may not know
//!
//! Nothing here is global to a process: the event sink, the metrics recorder, the heap meter and
//! the wait sites are handed in, so that two lanes may share a process. It builds for
//! `wasm32-wasip1`, but for the feature `child`.

pub mod catalogue;
#[cfg(feature = "child")]
pub mod child;
pub mod event;
pub mod experiment;
pub mod figures;
pub mod glossary;
pub mod incident;
pub mod lane;
pub mod load;
pub mod page;
pub mod plan;
pub mod prose;
pub mod random;
pub mod record;
pub mod report;
pub mod sanitize;
pub mod script;
pub mod service;
pub mod session;
#[cfg(feature = "source")]
pub mod source;
pub mod stability;
pub mod sweep;
pub mod timeline;
pub mod verdict;
pub mod window;
