//! The outage, under Go's rule: a panic in the handler costs its connection; a panic in the job
//! that the handler starts ends the process, with every request in it.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};

use super::shared::{Coupon, Ledger, mail_receipt};
use firedrill_core::incident::{Chain, Env, Slot};

/// Puts the bug into the chain: nothing recovers.
pub fn install(chain: &mut Chain) {
    chain.remove(Slot::Recover);
    chain.routes("coupons", coupons);
}

struct Coupons {
    ledger: Mutex<Ledger>,
    env: Env,
}

fn coupons(routes: Router, env: &Env) -> Router {
    let coupons = env.shared(|| Coupons { ledger: Mutex::default(), env: env.clone() });
    routes.merge(Router::new().route("/coupons", post(redeem)).with_state(coupons))
}

async fn redeem(State(coupons): State<Arc<Coupons>>, Json(coupon): Json<Coupon>) -> &'static str {
    // A mutex in Go has no poisoning: after a panic it can be locked.
    let mut ledger = coupons.ledger.lock().unwrap_or_else(PoisonError::into_inner);
    ledger.add(coupon.points());
    drop(ledger);
    // cause: nobody looks after this job: its panic is the process's.
    coupons.env.go("mail receipt", mail_receipt(coupon));
    "redeemed\n"
}
