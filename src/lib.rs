//! firedrill replays real outages on your own machine.
//!
//! It starts the service of a post-mortem twice, once with the bug and once without, sends both
//! the same traffic, and shows side by side how one of them dies. In reading order:
//!
//! * [`incident`]: what an incident is: manifest, chain of slots, metrics, wait sites
//! * [`incidents`]: the incidents themselves, one folder each
//! * [`catalogue`]: all of them, with their manifests
//! * [`service`]: the gateway that they break
//! * [`event`]: everything that happens in a run, as data
//! * [`load`]: the open-loop driver
//! * [`serve`]: a live lane's child: one server in a process of its own
//! * [`replay`]: a virtual lane's child: the same server and load on a paused clock
//! * [`back_off`]: when what has crashed is started again, on either clock
//! * [`run`]: the parent: children, load, memory cap, restarts, one stream of events
//! * [`record`]: the events of a run on disk
//! * [`timeline`], [`verdict`], [`report`]: what the events amount to
//! * [`page`]: a recording as a page to read
//! * [`tui`]: the terminal
//! * [`check`]: whether incidents are what their manifests say
//! * [`headless`], [`list`], [`doctor`]: the commands beside the terminal
//! * [`cli`]: the command line
//! * [`files`], [`heap`], [`signals`], [`figures`], [`axis`], [`note`]: small matters that several need
//!
//! Data flows one way: children and driver make events, `run` merges them, everything else reads.

pub mod axis;
pub mod back_off;
pub mod catalogue;
pub mod check;
pub mod cli;
pub mod doctor;
pub mod event;
pub mod figures;
pub mod files;
pub mod headless;
pub mod heap;
pub mod incident;
#[path = "../incidents/mod.rs"]
pub mod incidents;
pub mod list;
pub mod load;
pub mod note;
pub mod page;
pub mod record;
pub mod replay;
pub mod report;
pub mod run;
pub mod serve;
pub mod service;
pub mod signals;
pub mod timeline;
pub mod tui;
pub mod verdict;
