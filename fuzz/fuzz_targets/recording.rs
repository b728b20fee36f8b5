//! Any bytes as a recording: read, played to its end and back, and made a page. Nothing panics.

#![no_main]

use firedrill_core::page;
use firedrill_core::record::{read, scan};
use firedrill::run::Spec;
use firedrill::tui::model::Lab;
use firedrill::tui::past::Lines;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let catalogue = firedrill::pack::catalogue().expect("the manifests are in order");
    let Ok(recording) = read(bytes) else { return };
    let Ok(spec) = Spec::recorded(catalogue, &recording.header) else { return };
    page::render(&spec.plan(), &recording);
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
