//! Lines for people on standard error.

use std::io::Write;

use firedrill_core::sanitize::sanitize;

/// Writes a line to standard error, for people. Where nobody can read it there is nobody to tell,
/// so a failure is no error.
pub fn note(line: &str) {
    writeln!(std::io::stderr(), "{}", sanitize(line)).ok();
}
