//! A learner's program in many forms, for the tests of the exercises: solutions that are written otherwise
//! than ours, and code that cheats. It runs the form that its own file is called after, such as
//! `pool_leak.another`.

use std::alloc::System;
use std::path::Path;
use std::process::ExitCode;

use firedrill_core::child::{Heap, Means, yours};
use firedrill_core::incident::chain::Install;
use firedrill_core::incident::{Incident, Pack, Steer, Variant};

#[global_allocator]
static HEAP: Heap = Heap::new(System, usize::MAX);

/// Modules of the forms of an incident, with the files that they are given.
macro_rules! forms {
    ($($incident:ident { $($module:item)* } $($form:ident $(steers $steer:ident)?),*;)*) => {
        $(#[allow(dead_code, reason = "no form uses all that it is given")]
        mod $incident {
            $($module)*
            $(pub mod $form;)*
        })*

        /// The module, the code and the steering of a form.
        fn form(name: &str) -> Option<(&'static str, Install, Option<Steer>)> {
            $($(
                if name == concat!(stringify!($incident), ".", stringify!($form)) {
                    let module = concat!(module_path!(), "::", stringify!($incident));
                    let steer: Option<Steer> = None $(.or(Some($incident::$form::$steer as Steer)))?;
                    return Some((module, $incident::$form::install, steer));
                }
            )*)*
            None
        }
    };
}

forms! {
    unbuffered_log_channel {
        #[path = "../../../../incidents/unbuffered_log_channel/shared.rs"]
        pub mod shared;
        #[path = "../../../../incidents/unbuffered_log_channel/broken.rs"]
        pub mod broken;
    } another, answers, brief, metric_off, sleeps, smaller, spawned, unbounded, uncounted, watches;
    pool_leak {
        #[path = "../../../../incidents/pool_leak/shared.rs"]
        mod shared;
        #[path = "../../../../incidents/pool_leak/leaky.rs"]
        mod leaky;
    } another, answers, renewed, statement;
    metric_cardinality {
        #[path = "../../../../incidents/metric_cardinality/shared.rs"]
        mod shared;
    } another, metric_off, shorter;
    middleware_order {
        #[path = "../../../../incidents/middleware_order/shared.rs"]
        mod shared;
    } another, no_log;
    missing_recover {
        #[path = "../../../../incidents/missing_recover/shared.rs"]
        mod shared;
    } another, no_job, well;
    retry_storm {
        #[path = "../../../../incidents/retry_storm/broken.rs"]
        pub mod broken;
        #[path = "../../../../incidents/retry_storm/shared.rs"]
        pub mod shared;
    } another, never, once;
    unbounded_queue {
        #[path = "../../../../incidents/unbounded_queue/shared.rs"]
        mod shared;
    } another, eager, nobody, patient;
    no_priority {
        #[path = "../../../../incidents/no_priority/shared.rs"]
        mod shared;
    } another, only;
    fixed_timeout {
        #[path = "../../../../incidents/fixed_timeout/shared.rs"]
        mod shared;
    } another, constant, generous;
    hot_resource {
        #[path = "../../../../incidents/hot_resource/shared.rs"]
        mod shared;
    } another, few, named;
    noisy_neighbour {
        #[path = "../../../../incidents/noisy_neighbour/shared.rs"]
        mod shared;
    } another, named;
    no_circuit_breaker {
        #[path = "../../../../incidents/no_circuit_breaker/shared.rs"]
        mod shared;
    } another, never, shorter;
    cache_avalanche {
        #[path = "../../../../incidents/cache_avalanche/shared.rs"]
        pub mod shared;
    } another, forever, nothing;
    autoscale_on_cpu {
        #[path = "../../../../incidents/autoscale_on_cpu/shared.rs"]
        mod shared;
    } another steers steer, eight steers steer;
    perfect_storm {
        #[path = "../../../../incidents/perfect_storm/shared.rs"]
        mod shared;
    } another, forever;
    canary_too_small {
        #[path = "../../../../incidents/canary_too_small/shared.rs"]
        mod shared;
    } another steers steer, back steers steer, half steers steer, never steers steer, stays steers steer;
    context_key_clash {
        #[path = "../../../../incidents/context_key_clash/shared.rs"]
        mod shared;
    } another, no_account, nobody;
    one_switch {
        #[path = "../../../../incidents/one_switch/shared.rs"]
        mod shared;
    } another, limited, none;
    open_by_default {
        #[path = "../../../../incidents/open_by_default/shared.rs"]
        mod shared;
    } another, closed, uncounted;
    silent_log {
        #[path = "../../../../incidents/silent_log/shared.rs"]
        mod shared;
    } another, each, late, quiet, unasked;
    chaos_left_on {
        #[path = "../../../../incidents/chaos_left_on/shared.rs"]
        mod shared;
    } another, off;
    expired_certificate {
        #[path = "../../../../incidents/expired_certificate/shared.rs"]
        mod shared;
    } another, long;
    version_skew {
        #[path = "../../../../incidents/version_skew/shared.rs"]
        mod shared;
    } another, pins, refuses;
}

fn main() -> ExitCode {
    let called = std::env::args().next().unwrap_or_default();
    let name = Path::new(&called).file_name().unwrap_or_default().to_string_lossy();
    let name = name.trim_end_matches(".exe");
    let Some((module, install, steer)) = form(name) else {
        eprintln!("`{name}` is no form of an exercise");
        return ExitCode::from(2);
    };
    let written = Variant { name: "yours", install, steer };
    let variants = Box::leak(Box::new([written, yours::BEFORE]));
    let incident = Box::leak(Box::new(Incident {
        module,
        file: file!(),
        manifest_toml: "",
        shares: &[],
        variants,
        exercise: None,
    }));
    let pack = Pack {
        file: file!(),
        incidents: Box::leak(Box::new([&*incident])),
        files: Vec::new,
        source: |_| None,
    };
    let means = Means {
        heap_bytes: || HEAP.allocated() as u64,
        limit_heap: |_| Ok(()),
        console: yours::no_console,
    };
    yours::main(Box::leak(Box::new(pack)), means)
}
