//! The same code under Rust's own rule: the process lives. The job's panic is lost without a
//! word, and the handler's poisons the lock it held, after which every request here fails.

use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};

use super::shared::{Coupon, Ledger, mail_receipt};
use firedrill_core::incident::env::PanicRule;
use firedrill_core::incident::{Chain, Env, Slot};

/// Puts the bug into the chain: nothing recovers, and a panic ends its task only.
pub fn install(chain: &mut Chain) {
    chain.remove(Slot::Recover);
    chain.panic_rule(PanicRule::Rust);
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
    // cause: the panic comes while this guard is held: from then on the lock is poisoned.
    let mut ledger = coupons.ledger.lock().expect("the ledger's lock");
    ledger.add(coupon.points());
    drop(ledger);
    coupons.env.go("mail receipt", mail_receipt(coupon));
    "redeemed\n"
}
