//! Data for the page of a run, collected event by event in bounded memory.

use crate::event::{Event, EventKind};
use crate::incident::Manifest;
use crate::record::Header;
use crate::timeline::Timeline;

/// Data for the page of a run.
#[derive(Debug)]
pub struct PageData {
    /// The measurements.
    pub timeline: Timeline,
    /// The events that are told one by one, in order. Of what only the newest counts, only that is here.
    pub(super) events: Vec<Event>,
}

impl PageData {
    /// Nothing of a run yet.
    pub fn new(manifest: &Manifest, header: &Header) -> Self {
        Self::of(manifest, &header.variants)
    }

    /// Nothing yet of a run with these lanes.
    pub fn of(manifest: &Manifest, variants: &[String]) -> Self {
        Self { timeline: Timeline::new(manifest, variants), events: Vec::new() }
    }

    /// Takes in an event.
    pub fn push(&mut self, event: Event) {
        self.timeline.push(&event);
        let replaces: fn(&EventKind) -> bool = match &event.what {
            EventKind::Sample(_)
            | EventKind::Driver { .. }
            | EventKind::Metric(_)
            | EventKind::Log { .. } => return,
            EventKind::LogTail(_) => |what| matches!(what, EventKind::LogTail(_)),
            EventKind::Chain(_) => |what| matches!(what, EventKind::Chain(_)),
            _ => |_| false,
        };
        if matches!(event.what, EventKind::LogTail(_) | EventKind::Chain(_)) {
            self.events.retain(|old| old.lane != event.lane || !replaces(&old.what));
        }
        self.events.push(event);
    }
}
