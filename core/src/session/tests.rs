//! A case for the unit tests of the session: the manifest of a real incident, without its code.

use std::borrow::Cow;

use crate::catalogue::Catalogue;
use crate::incident::{Incident, Pack, Variant};
use crate::plan::{Case, Plan};

const fn variant(name: &'static str) -> Variant {
    Variant { name, install: |_| {}, steer: None }
}

static INCIDENT: Incident = Incident {
    module: "unbuffered_log_channel",
    file: "unbuffered_log_channel/mod.rs",
    manifest_toml: include_str!("../../tests/data/incident.toml"),
    shares: &[],
    variants: &[
        variant("broken"),
        variant("buffered"),
        variant("cancelled"),
        variant("timed"),
        variant("fixed"),
    ],
    exercise: None,
};

static PACK: Pack = Pack {
    file: "lib.rs",
    incidents: &[&INCIDENT],
    files: || vec![Cow::Borrowed("unbuffered_log_channel/broken.rs")],
    source: |_| Some("pub fn broken() {}\n"),
};

pub(crate) fn case() -> Case {
    let catalogue = Catalogue::read(&PACK, |_| None).expect("the manifest is in order");
    let plan = Plan::new(&catalogue.entries[0].manifest);
    Case::new(&catalogue, plan).expect("it is in the catalogue")
}
