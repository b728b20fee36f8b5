//! Wrong numbers: the deploy takes the newest version of the library, whatever that computes.

use axum::Router;
use axum::routing::get;

use super::shared::{describe, install_totals, mean};
use firedrill_core::incident::{Chain, Env};

/// Puts the bug into the chain.
pub fn install(chain: &mut Chain) {
    chain.routes("totals", totals);
}

fn totals(routes: Router, env: &Env) -> Router {
    describe(env);
    // cause: any version 1 will do, the one of tomorrow too.
    let totals = install_totals(env, "1");
    routes.merge(Router::new().route("/totals/{shop}", get(mean)).with_state(totals))
}
