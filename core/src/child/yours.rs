//! The program of an exercise's package: a lane's child that runs what a learner wrote.

use std::process::ExitCode;

use anyhow::Context;

use super::{Means, be_told, note, told};
use crate::catalogue::{Catalogue, Manifests};
use crate::incident::{Chain, Pack, Variant};

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

/// Before the release, where other lanes have the fixed variant, a learner's has the service without the
/// incident's part: their package does not have our fix.
pub const BEFORE: Variant = Variant { name: "fixed", install: nothing, steer: None };

fn nothing(_: &mut Chain) {}

/// There are no instruments of tokio-console's in an exercise's package.
///
/// # Errors
///
/// Never.
pub fn no_console() -> anyhow::Result<Option<u16>> {
    note("an exercise's program is without tokio-console's instruments; going on without them");
    Ok(None)
}

/// The `main` of an exercise's package: a lane's child that runs these functions once it is released.
#[macro_export]
macro_rules! exercise {
    ($install:path) => {
        $crate::exercise!(with $install, None);
    };
    ($install:path, $steer:path) => {
        $crate::exercise!(with $install, Some($steer));
    };
    (with $install:path, $steer:expr) => {
        // The build passes a hash of the sources: file times are not reliable.
        const _: Option<&str> = option_env!("FIREDRILL_SOURCES");

        #[global_allocator]
        static HEAP: $crate::child::Heap =
            $crate::child::Heap::new(::std::alloc::System, usize::MAX);

        static INCIDENT: $crate::incident::Incident = $crate::incident::Incident {
            module: module_path!(),
            file: file!(),
            manifest_toml: "",
            shares: &[],
            variants: &[
                $crate::incident::Variant { name: "yours", install: $install, steer: $steer },
                $crate::child::yours::BEFORE,
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
