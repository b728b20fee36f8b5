//! Any lines as the commands of a virtual lane: carried out, or refused with an error. Time passes for half a
//! second at most.

#![no_main]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use firedrill_core::catalogue::Catalogue;
use firedrill_core::event::{ChildStart, Clock, ParentSays};
use firedrill_core::incident::manifest::rate_allowed;
use firedrill_core::lane::output::Output;
use firedrill_core::lane::{LaneSettings, replay};
use libfuzzer_sys::fuzz_target;

/// Read once: it lives as long as the program.
static CATALOGUE: LazyLock<&Catalogue> =
    LazyLock::new(|| firedrill::pack::catalogue().expect("the manifests are in order"));

fuzz_target!(|text: &str| {
    let catalogue = *CATALOGUE;
    let bounded = |line: &&str| match serde_json::from_str(line) {
        Ok(ParentSays::Advance { to_ms }) => to_ms <= 500,
        // The parent sends no other rates.
        Ok(ParentSays::SetRate { rate_per_s }) => rate_allowed(rate_per_s),
        _ => true,
    };
    let commands: Vec<&str> = text.lines().filter(bounded).take(50).collect();
    let begin = ChildStart {
        clock: Clock::Virtual,
        incident: "unbuffered-log-channel".to_owned(),
        variant: "broken".to_owned(),
        rate_per_s: 50.0,
        seed: 1,
        instance: 0,
        in_play: BTreeMap::new(),
        without: Vec::new(),
        params: BTreeMap::new(),
        console: false,
        watched: false,
        heap_limit_bytes: None,
        steers: false,
        manifests: None,
    };
    let settings = LaneSettings { catalogue, begin, watch: None, heap: || 0 };
    // An error is an answer.
    replay(settings, commands.join("\n").as_bytes(), &Output::new(std::io::sink())).ok();
});
