//! Code shared by the variants: the workers of an instance, and its start.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};
use tokio::sync::OnceCell;

use firedrill_core::incident::fleet::{Fleet, Order};
use firedrill_core::incident::{Chain, Env, Parked, Slot};
use firedrill_core::service::limit::ConcurrencyLimit;

/// Workers of an instance: it works on so many requests at once.
pub const WORKERS: usize = 10;

/// Requests that wait for a worker at most, in one instance.
pub const LONGEST: usize = 50;

/// Instances that there are at least.
pub const LEAST: usize = 2;

/// Instances that a lane has room for.
pub const MOST: usize = 8;

/// Milliseconds that an instance needs for its settings before its first request.
const SETTINGS_MS: u64 = 300;

/// CPU time of a request, in microseconds.
const WORK_US: u64 = 300;

/// Installs the release, which is the same in every variant. The variants differ in how they are scaled.
pub fn install(chain: &mut Chain) {
    chain.layer(Slot::Limit, limit);
}

/// Gives the new version to all instances. What comes after that is scaling.
pub fn release(fleet: &Fleet) -> Order {
    let all = fleet.instances.len();
    Order::release(all, all, "the new version")
}

struct Workers {
    env: Env,
    limit: ConcurrencyLimit,
    settings: OnceCell<()>,
}

fn limit(routes: Router, env: &Env) -> Router {
    let workers = env.shared(|| {
        describe_gauge!("workers_busy", Unit::Count, "workers that have a request");
        describe_gauge!("workers_waited_for", Unit::Count, "requests that wait for a worker");
        describe_counter!(
            "workers_refused",
            Unit::Count,
            "requests refused, since too many waited"
        );
        counter!("workers_refused").increment(0);
        Workers {
            env: env.clone(),
            limit: ConcurrencyLimit::new(WORKERS),
            settings: OnceCell::new(),
        }
    });
    let shown = Arc::clone(&workers);
    env.collect(move || {
        gauge!("workers_busy").set(shown.limit.taken() as f64);
        gauge!("workers_waited_for").set(shown.limit.waiting() as f64);
    });
    routes.layer(from_fn_with_state(workers, serve))
}

async fn serve(State(workers): State<Arc<Workers>>, request: Request, next: Next) -> Response {
    if workers.limit.waiting() >= LONGEST {
        counter!("workers_refused").increment(1);
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let worker = workers.limit.enter().parked("a worker").await;
    let settings =
        workers.settings.get_or_init(|| tokio::time::sleep(Duration::from_millis(SETTINGS_MS)));
    settings.parked("the settings").await;
    workers.env.work(Duration::from_micros(WORK_US)).await;
    let response = next.run(request).await;
    drop(worker);
    response
}
