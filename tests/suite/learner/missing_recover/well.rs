//! A cheat: a request whose handler panicked is told that all is well.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use futures_util::FutureExt;
use metrics::counter;

use super::shared::{Coupon, Ledger, mail_receipt};
use firedrill_core::incident::{Chain, Env};

pub fn install(chain: &mut Chain) {
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

async fn redeem(
    State(coupons): State<Arc<Coupons>>,
    Json(coupon): Json<Coupon>,
) -> Result<&'static str, StatusCode> {
    let Ok(points) = catch_unwind(|| coupon.points()) else {
        counter!("panics_recovered").increment(1);
        return Ok("");
    };
    coupons.ledger.lock().unwrap_or_else(PoisonError::into_inner).add(points);
    coupons.env.go("mail receipt", async move {
        if AssertUnwindSafe(mail_receipt(coupon)).catch_unwind().await.is_err() {
            counter!("jobs_failed").increment(1);
        }
    });
    Ok("redeemed\n")
}
