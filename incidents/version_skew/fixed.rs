//! The fix: a version is used only if it stands in the list of those that are known, and gives known
//! answers; otherwise the page goes on with the one that it had.

use axum::Router;
use axum::routing::get;
use metrics::counter;

use super::shared::{Bucket, ELM, OAK, Totals, describe, install_totals, mean};
use firedrill_core::incident::{Chain, Env};

/// Versions that somebody has looked at.
const KNOWN: [&str; 2] = ["1.4.2", "1.4.3"];

/// Data, and the mean that somebody has worked out by hand.
const ANSWERS: [(&[Bucket], f64); 2] = [(&ELM, 11.0), (&OAK, 15.0)];

/// Puts the fix into the chain.
pub fn install(chain: &mut Chain) {
    chain.routes("totals", totals);
}

fn totals(routes: Router, env: &Env) -> Router {
    describe(env);
    let mut totals = install_totals(env, "1");
    // fix: before a version answers anybody, it answers what is known.
    if !answers_rightly(totals) || !is_known(totals) {
        counter!("versions_refused").increment(1);
        totals = install_totals(env, "1.4.2");
    }
    routes.merge(Router::new().route("/totals/{shop}", get(mean)).with_state(totals))
}

fn is_known(totals: &Totals) -> bool {
    KNOWN.contains(&totals.version)
}

fn answers_rightly(totals: &Totals) -> bool {
    ANSWERS.iter().all(|(data, known)| ((totals.mean)(data) - known).abs() < 1e-9)
}
