//! The incidents, in the order in which they are taught: one line each.

use std::borrow::Cow;

use crate::incident::Incident;

mod middleware_order;
mod missing_recover;
mod pool_leak;
mod unbuffered_log_channel;

/// All incidents of this build.
pub static ALL: &[&Incident] = &[
    &unbuffered_log_channel::INCIDENT,
    &missing_recover::INCIDENT,
    &middleware_order::INCIDENT,
    &pool_leak::INCIDENT,
];

#[derive(rust_embed::Embed)]
#[folder = "incidents"]
#[include = "*.rs"]
struct Folders;

/// The source files of all incidents, with their paths from the package's root.
pub fn sources() -> impl Iterator<Item = (String, &'static str)> {
    Folders::iter().filter_map(|path| {
        let file = format!("incidents/{path}");
        Some((file.clone(), source(&file)?))
    })
}

/// The text of a source file of an incident, by its path from the package's root.
pub fn source(file: &str) -> Option<&'static str> {
    match Folders::get(file.strip_prefix("incidents/")?)?.data {
        Cow::Borrowed(bytes) => std::str::from_utf8(bytes).ok(),
        // Only a build that reads files as it runs has these.
        Cow::Owned(_) => None,
    }
}
