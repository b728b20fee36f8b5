//! Runs that stand in where a page cannot run them itself: of each number that can be changed, a few values.

use std::collections::BTreeMap;

use firedrill_core::page::live::{DrawRequest, Drawn, draw};
use firedrill_core::plan::Plan;
use serde::Serialize;

use super::runs::Runs;

/// A number that the reader can change.
#[derive(Debug, Clone, Serialize)]
pub struct Knob {
    /// `rate_per_s`, or the parameter.
    pub name: String,
    /// For people.
    pub says: String,
    /// Its unit.
    pub unit: String,
    /// From here.
    pub min: f64,
    /// To here.
    pub max: f64,
    /// Initial value.
    pub own: f64,
}

/// Factors of the steps.
const TIMES: [f64; 5] = [0.25, 0.5, 1.0, 2.0, 4.0];

/// For each number the steps: its value, and what its run draws; none for the run as it is.
pub type Steps = BTreeMap<String, Vec<(f64, Option<Drawn>)>>;

/// Makes the runs.
///
/// # Errors
///
/// When one cannot be made.
pub fn steps(
    runs: &Runs,
    plan: &Plan,
    wanted: &DrawRequest,
    knobs: &[Knob],
) -> anyhow::Result<Steps> {
    let mut all = Steps::new();
    for knob in knobs {
        let mut steps = Vec::new();
        for times in TIMES {
            let value = knob.own * times;
            if !(knob.min..=knob.max).contains(&value) {
                continue;
            }
            let mut plan = plan.clone();
            if knob.name == "rate_per_s" {
                plan.rate_per_s = value;
            } else {
                plan.params.insert(knob.name.clone(), value);
            }
            let is_own = (times - 1.0).abs() < f64::EPSILON;
            let drawn = if is_own {
                None
            } else {
                let made = runs.make(&plan)?;
                Some(draw(&made.case, &made.told, wanted))
            };
            steps.push((value, drawn));
        }
        all.insert(knob.name.clone(), steps);
    }
    Ok(all)
}
