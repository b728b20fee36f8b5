//! A partial fix: the version is pinned, and nothing is ever tried or refused.

use axum::Router;
use axum::routing::get;
use firedrill_core::incident::{Chain, Env};

use super::shared::{describe, install_totals, mean};

pub fn install(chain: &mut Chain) {
    chain.routes("totals", totals);
}

fn totals(routes: Router, env: &Env) -> Router {
    describe(env);
    let totals = install_totals(env, "1.4.2");
    routes.merge(Router::new().route("/totals/{shop}", get(mean)).with_state(totals))
}
