//! A cheat: nobody is shown anything that is not theirs, for nobody is shown anything.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use firedrill_core::incident::{Chain, Env, Slot};

use super::shared::describe;

pub fn install(chain: &mut Chain) {
    chain.layer_beside(Slot::Auth, counted);
    chain.routes("mine", |routes, _| {
        let nobody = || get(|| async { StatusCode::UNAUTHORIZED });
        routes.route("/orders/mine", nobody()).route("/invoices/mine", nobody())
    });
}

fn counted(routes: Router, env: &Env) -> Router {
    describe(env);
    routes
}
