//! A cheat: every version is refused, whatever it computes.

use axum::Router;
use axum::routing::get;
use firedrill_core::incident::{Chain, Env};
use metrics::counter;

use super::shared::{describe, install_totals, mean};

pub fn install(chain: &mut Chain) {
    chain.routes("totals", totals);
}

fn totals(routes: Router, env: &Env) -> Router {
    describe(env);
    counter!("versions_refused").increment(1);
    let totals = install_totals(env, "1.4.2");
    routes.merge(Router::new().route("/totals/{shop}", get(mean)).with_state(totals))
}
