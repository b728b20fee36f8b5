//! Notes to people on standard error.

use std::io::Write;

/// Writes a line to standard error. Where nobody can read it there is nobody to tell, so a
/// failure is no error.
pub fn note(line: &str) {
    writeln!(std::io::stderr(), "{line}").ok();
}
