//! The fix: a panic in a handler is answered with a 500, a job's is caught and counted, and no
//! lock is held by code that may panic.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use futures_util::FutureExt;
use metrics::{Unit, counter, describe_counter};
use tower_http::catch_panic::CatchPanicLayer;

use super::shared::{Coupon, Ledger, mail_receipt};
use firedrill_core::incident::{Chain, Env, Slot};

/// Puts the fix into the chain.
pub fn install(chain: &mut Chain) {
    chain.layer(Slot::Recover, recover);
    chain.routes("coupons", coupons);
}

fn recover(routes: Router, _: &Env) -> Router {
    describe_counter!("panics_recovered", Unit::Count, "panics answered with a 500");
    describe_counter!("jobs_failed", Unit::Count, "background jobs that panicked");
    // Known from the start, so that none shows as 0.
    counter!("panics_recovered").increment(0);
    routes.layer(CatchPanicLayer::custom(answer))
}

fn answer(_: Box<dyn Any + Send>) -> Response {
    counter!("panics_recovered").increment(1);
    (StatusCode::INTERNAL_SERVER_ERROR, "internal error\n").into_response()
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
    let points = coupon.points();
    coupons.ledger.lock().unwrap_or_else(PoisonError::into_inner).add(points);
    // fix: a job's panic stays in the job, and is counted.
    coupons.env.go("mail receipt", supervise(mail_receipt(coupon)));
    "redeemed\n"
}

async fn supervise(job: impl Future<Output = ()>) {
    if AssertUnwindSafe(job).catch_unwind().await.is_err() {
        counter!("jobs_failed").increment(1);
    }
}
