//! A cheat: there are no experiments any more.

use axum::Router;
use firedrill_core::incident::{Chain, Env, Slot};

use super::shared::{Lab, connections};

struct Off(#[allow(dead_code, reason = "it registers the metrics")] Lab);

pub fn install(chain: &mut Chain) {
    chain.layer_beside(Slot::Chaos, connections);
    chain.layer_beside(Slot::Chaos, |routes: Router, env: &Env| {
        env.shared(|| Off(Lab::new(env)));
        routes
    });
}
