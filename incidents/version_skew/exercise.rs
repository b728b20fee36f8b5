//! The page with the mean order of a shop, on the day on which one shop's was wrong.
//!
//! Change this file so that a version of the library that computes something else is not used: the page goes on with
//! the one that it had, 1.4.2, and what was refused is counted in `versions_refused`. A newer version that computes the
//! same is to be used.

use axum::Router;
use axum::routing::get;

use super::shared::{describe, install_totals, mean};
use firedrill_core::incident::{Chain, Env};

/// Puts the page into the chain.
pub fn install(chain: &mut Chain) {
    chain.routes("totals", totals);
}

fn totals(routes: Router, env: &Env) -> Router {
    describe(env);
    let totals = install_totals(env, "1");
    routes.merge(Router::new().route("/totals/{shop}", get(mean)).with_state(totals))
}
