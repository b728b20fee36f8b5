//! Any text as a manifest: refused with its line, or good for all that is asked of one.

#![no_main]

use firedrill_core::incident::Manifest;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match Manifest::parse("incident.toml", text) {
        Ok(manifest) => {
            manifest.release_s();
            manifest.formula_values();
        }
        Err(error) => assert!(error.line >= 1 && !error.message.is_empty()),
    }
});
