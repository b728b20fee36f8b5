//! Any bytes as a recording: read, played to its end and back, and made a page. Nothing panics.

#![no_main]

use std::sync::LazyLock;

use firedrill::run::Spec;
use firedrill::tui::model::Lab;
use firedrill::tui::past::Lines;
use firedrill_core::catalogue::Catalogue;
use firedrill_core::page::{self, PageData};
use firedrill_core::record::{Recording, read, scan};
use libfuzzer_sys::fuzz_target;

/// Read once: it lives as long as the program.
static CATALOGUE: LazyLock<&Catalogue> =
    LazyLock::new(|| firedrill::pack::catalogue().expect("the manifests are in order"));

fuzz_target!(|bytes: &[u8]| {
    let catalogue = *CATALOGUE;
    let Ok(recording) = read(bytes) else { return };
    let Ok(spec) = Spec::recorded(catalogue, &recording.header) else { return };
    let Recording { header, events, faults } = &recording;
    let mut told = PageData::new(&spec.entry.manifest, header);
    for event in events {
        told.push(event.clone());
    }
    page::render(&spec.plan(), header, &told, faults);
    let mut lines = Lines::default();
    let (_, faults) = scan(bytes, |line, event| lines.keep(line, &event)).expect("read before");
    let mut lab = Lab::recorded(spec, lines, &faults);
    let track = lab.track_mut();
    track.pass(2_000.0);
    track.to_mark(true);
    track.shift(i64::MAX);
    track.step(false);
    track.go(0, true);
});
