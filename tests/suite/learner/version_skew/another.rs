//! A solution written otherwise: the new version and the old one are asked the same, on the data there is.

use axum::Router;
use axum::routing::get;
use firedrill_core::incident::{Chain, Env};
use metrics::counter;

use super::shared::{ELM, OAK, describe, install_totals, mean};

pub fn install(chain: &mut Chain) {
    chain.routes("totals", totals);
}

fn totals(routes: Router, env: &Env) -> Router {
    describe(env);
    let (new, old) = (install_totals(env, "1"), install_totals(env, "1.4.2"));
    let same = [ELM, OAK].iter().all(|data| ((new.mean)(data) - (old.mean)(data)).abs() < 1e-6);
    counter!("versions_refused").increment((!same).into());
    let totals = if same { new } else { old };
    routes.merge(Router::new().route("/totals/{shop}", get(mean)).with_state(totals))
}
