//! The partial fix: a version in a file, reviewed and committed, which the deploy does not read.

use axum::Router;
use axum::routing::get;

use super::shared::{describe, install_totals, mean, tell_wanted};
use firedrill_core::incident::{Chain, Env};

/// The team's version, as in the file `versions.lock`.
const VERSIONS_LOCK: &str = "totals 1.4.2";

/// Puts the partial fix into the chain.
pub fn install(chain: &mut Chain) {
    chain.routes("totals", totals);
}

fn totals(routes: Router, env: &Env) -> Router {
    describe(env);
    tell_wanted(VERSIONS_LOCK);
    // cause: the deploy has a list of its own, and never opens the file.
    let totals = install_totals(env, "1");
    routes.merge(Router::new().route("/totals/{shop}", get(mean)).with_state(totals))
}
