//! The code that steers a lane's release, in a process of its own: what an incident brings never runs
//! in the terminal's process. It is shown the instances at each sample, and answers with orders.

use firedrill_core::event::ChildStart;
use firedrill_core::incident::fleet::{Fleet, Order, Ordered};
use firedrill_core::sanitize;
use tokio::sync::mpsc;

use super::child::{Child, Message};
use super::{Address, Spec};

/// Orders and other words that may wait.
const WORDS: usize = 64;

/// A lane's steering. Dropping it ends its process.
pub(super) struct Steering {
    child: Child,
    words: mpsc::Receiver<(Address, Message)>,
}

impl Steering {
    /// Starts it. Must be called within a runtime.
    ///
    /// # Errors
    ///
    /// When the program cannot be started.
    pub(super) fn start(spec: &Spec, lane: usize, begin: &ChildStart) -> std::io::Result<Self> {
        let (words, heard) = mpsc::channel(WORDS);
        let address = Address { lane, instance: 0, generation: 0 };
        let (program, _) = spec.venue.served_by(&spec.case, &begin.variant);
        let child = Child::start(program, begin, address, &words)?;
        Ok(Self { child, words: heard })
    }

    /// Shows it the instances.
    pub(super) fn show(&mut self, fleet: &Fleet) {
        // A process that is not there any more orders nothing: the release stays where it is.
        self.child.show(fleet).ok();
    }

    /// Its newest order, unless another one was carried out since it saw the instances.
    pub(super) fn order(&mut self, orders: u64) -> Option<Order> {
        let mut newest = None;
        while let Ok((_, message)) = self.words.try_recv() {
            if let Message::Line(line) = message
                && let Ok(ordered) = sanitize::read::<Ordered>(&line)
            {
                newest = Some(ordered);
            }
        }
        newest.filter(|ordered| ordered.after == orders).map(|ordered| ordered.order)
    }
}
