//! The coupon routes that ended the process. A coupon for 100 percent panics in the handler; an address
//! without an `@` panics in the job that mails the receipt. A panic in a task that nobody looks after ends
//! this process, as it does in Go.
//!
//! Change this file so that the service outlives both. A panic in a handler is answered with a 500 and
//! counted in `panics_recovered`; one in a job ends that job alone, and is counted in `jobs_failed`.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};

use super::shared::{Coupon, Ledger, mail_receipt};
use firedrill_core::incident::{Chain, Env, Slot};

/// Puts the routes into the chain. The slot `recover` is empty: `chain.layer(Slot::Recover, …)` fills it.
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
    let mut ledger = coupons.ledger.lock().unwrap_or_else(PoisonError::into_inner);
    ledger.add(coupon.points());
    drop(ledger);
    coupons.env.go("mail receipt", mail_receipt(coupon));
    "redeemed\n"
}
