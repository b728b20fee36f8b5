//! Any bytes as a line of a child, live or virtual: read with all of its texts visible, or refused. What was
//! read can be written, and read again as the same.

#![no_main]

use firedrill_core::event::{LaneSays, ServerSays};
use firedrill_core::sanitize::read;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(said) = read::<ServerSays>(text) {
        let line = serde_json::to_string(&said).expect("plain data");
        assert!(!line.chars().any(|c| c.is_control()));
        read::<ServerSays>(&line).expect("what was written");
    }
    if let Ok(said) = read::<LaneSays>(text) {
        let line = serde_json::to_string(&said).expect("plain data");
        assert!(!line.chars().any(|c| c.is_control()));
        read::<LaneSays>(&line).expect("what was written");
    }
});
