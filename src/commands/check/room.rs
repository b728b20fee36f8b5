//! Room between what a claim observes and its limit: a claim that holds on ten seeds by a hair fails on the eleventh.

use std::collections::BTreeMap;

use firedrill_core::figures::number;
use firedrill_core::verdict::Verdict;

/// Standard deviations that the mean is away from the limit, at least.
pub(super) const LEAST: f64 = 3.0;

/// Runs without which a standard deviation says nothing.
const LEAST_RUNS: usize = 10;

/// The room that each claim had in each run.
#[derive(Default)]
pub(super) struct Rooms {
    /// One a claim; the same claim has the same key in each run.
    claims: BTreeMap<(String, usize), Vec<f64>>,
}

impl Rooms {
    /// Takes what one run observed; `when` tells the claims of one moment from those of another.
    pub(super) fn take(&mut self, when: &str, verdict: &Verdict) {
        for (index, check) in verdict.checks.iter().enumerate() {
            let claim = format!("`{}`{when}: {} {}", check.variant, check.metric, check.expected);
            self.claims.entry((claim, index)).or_default().extend(check.room);
        }
    }

    /// The claims with too little room; none if there were too few runs to tell.
    pub(super) fn tight(&self) -> Option<Vec<String>> {
        let known = |rooms: &&Vec<f64>| rooms.len() >= LEAST_RUNS;
        if !self.claims.values().any(|rooms| known(&rooms)) {
            return None;
        }
        let claims = self.claims.iter().filter(|(_, rooms)| known(rooms));
        Some(claims.filter_map(|((claim, _), rooms)| tight(claim, rooms)).collect())
    }
}

fn tight(claim: &str, rooms: &[f64]) -> Option<String> {
    let count = rooms.len() as f64;
    let mean = rooms.iter().sum::<f64>() / count;
    let variance = rooms.iter().map(|room| (room - mean).powi(2)).sum::<f64>() / (count - 1.0);
    let deviation = variance.sqrt();
    (mean < LEAST * deviation).then(|| {
        format!(
            "{claim}: {} from the limit on average, with a standard deviation of {}",
            number(mean),
            number(deviation)
        )
    })
}
