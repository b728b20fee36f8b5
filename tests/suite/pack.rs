//! A pack for tests of screens and commands: incidents that stay as they are when the real ones
//! change, and whose code does nothing.

use std::borrow::Cow;
use std::sync::LazyLock;

use firedrill_core::catalogue::Catalogue;
use firedrill_core::incident::{Chain, Incident, Pack, Variant};

fn nothing(_: &mut Chain) {}

const fn variant(name: &'static str) -> Variant {
    Variant { name, install: nothing, steer: None }
}

const METRICS: &[&str] = &[
    "log_queue",
    "log_queue_capacity",
    "log_lines_dropped",
    "log_lines_given_up",
    "log_secrets",
    "log_rejected_lines",
    "audit_rejections",
    "panics_recovered",
    "jobs_failed",
    "receipts_asked",
    "receipts_mailed",
    "pool_in_use",
    "pool_in_use_capacity",
    "pool_waiting",
    "pool_lost",
];

static LOG: Incident = Incident {
    module: "pack::unbuffered_log_channel",
    file: "incidents/unbuffered_log_channel/mod.rs",
    manifest_toml: include_str!("../data/unbuffered-log-channel.toml"),
    shares: METRICS,
    exercise: None,
    variants: &[
        variant("broken"),
        variant("buffered"),
        variant("cancelled"),
        variant("timed"),
        variant("fixed"),
    ],
};

static RECOVER: Incident = Incident {
    module: "pack::missing_recover",
    file: "incidents/missing_recover/mod.rs",
    manifest_toml: include_str!("../data/missing-recover.toml"),
    shares: METRICS,
    exercise: None,
    variants: &[variant("broken"), variant("rust"), variant("fixed")],
};

static ORDER: Incident = Incident {
    module: "pack::middleware_order",
    file: "incidents/middleware_order/mod.rs",
    manifest_toml: include_str!("../data/middleware-order.toml"),
    shares: METRICS,
    exercise: None,
    variants: &[variant("broken"), variant("fixed")],
};

static POOL: Incident = Incident {
    module: "pack::pool_leak",
    file: "incidents/pool_leak/mod.rs",
    manifest_toml: include_str!("../data/pool-leak.toml"),
    shares: METRICS,
    exercise: None,
    variants: &[variant("broken"), variant("timeout"), variant("fixed")],
};

static PACK: Pack = Pack {
    file: "incidents/lib.rs",
    incidents: &[&LOG, &RECOVER, &ORDER, &POOL],
    files: Vec::<Cow<'static, str>>::new,
    source: |file| {
        (file == "unbuffered_log_channel/broken.rs").then_some(include_str!("../data/broken.rs"))
    },
};

/// The catalogue of this pack.
pub fn catalogue() -> &'static Catalogue {
    static READ: LazyLock<Catalogue> =
        LazyLock::new(|| Catalogue::read(&PACK, |_| None).expect("manifests are in order"));
    &READ
}
