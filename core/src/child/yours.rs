//! The program of an exercise's package: a lane's child that runs what a learner wrote.

use std::process::ExitCode;

use anyhow::Context;

use super::{Means, be_told, note, told};
use crate::catalogue::{Catalogue, Manifests};
use crate::incident::Pack;

/// Is what the first line of standard input says, with the manifest that comes with it.
pub fn main(pack: &'static Pack, means: Means) -> ExitCode {
    let is = || {
        let mut begin = told()?;
        let manifests = begin.manifests.take().context("this program is a lane of firedrill's")?;
        let manifests: Manifests = serde_json::from_value(manifests)?;
        let catalogue = Box::leak(Box::new(Catalogue::of_page(pack, manifests)));
        be_told(catalogue, begin, means)
    };
    is().unwrap_or_else(|error: anyhow::Error| {
        note(&format!("{error:#}"));
        ExitCode::from(2)
    })
}

/// There are no instruments of tokio-console's in an exercise's package.
///
/// # Errors
///
/// Never.
pub fn no_console() -> anyhow::Result<Option<u16>> {
    note("an exercise's program is without tokio-console's instruments; going on without them");
    Ok(None)
}

/// The `main` of an exercise's package: a lane's child that runs these functions, whatever variant it is
/// asked for.
#[macro_export]
macro_rules! exercise {
    ($install:path) => {
        $crate::exercise!(with $install, None);
    };
    ($install:path, $steer:path) => {
        $crate::exercise!(with $install, Some($steer));
    };
    (with $install:path, $steer:expr) => {
        #[global_allocator]
        static HEAP: $crate::child::Heap =
            $crate::child::Heap::new(::std::alloc::System, usize::MAX);

        static INCIDENT: $crate::incident::Incident = $crate::incident::Incident {
            module: module_path!(),
            file: file!(),
            manifest_toml: "",
            shares: &[],
            // Before the release a lane has the fixed form; this one has what was written, from the start.
            variants: &[
                $crate::incident::Variant { name: "yours", install: $install, steer: $steer },
                $crate::incident::Variant { name: "fixed", install: $install, steer: $steer },
            ],
            exercise: None,
        };

        static PACK: $crate::incident::Pack = $crate::incident::Pack {
            file: file!(),
            incidents: &[&INCIDENT],
            files: ::std::vec::Vec::new,
            source: |_| None,
        };

        fn main() -> ::std::process::ExitCode {
            let means = $crate::child::Means {
                heap_bytes: || HEAP.allocated() as u64,
                limit_heap: |bytes| {
                    HEAP.set_limit(bytes as usize).ok();
                    Ok(())
                },
                console: $crate::child::yours::no_console,
            };
            $crate::child::yours::main(&PACK, means)
        }
    };
}
