//! Slot `chaos`: faults on purpose. It stands in the chain as long as a `chaos_…` parameter asks for one, so
//! that any lane can be tried, whatever its incident.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::incident::env::Param;
use crate::incident::params;
use crate::incident::{Env, Parked};
use crate::random::RandomStream;

/// The header of a request that is marked for an experiment.
pub const MARK: &str = "x-chaos";

/// Requests that are held up at once at most, where nobody asks for fewer.
const MOST: usize = 1000;

struct Chaos {
    latency_percent: Param,
    from_ms: Param,
    to_ms: Param,
    error_percent: Param,
    status: Param,
    marked: Param,
    most: Param,
    dice: RandomStream,
    held: Semaphore,
}

/// Returns true if parameters ask for a fault.
pub fn wanted(env: &Env) -> bool {
    let asked = |name| env.param(name, 0.0).get() > 0.0;
    asked("chaos_latency_percent") || asked("chaos_error_percent")
}

/// Wraps the routes.
pub fn install(routes: Router, env: &Env) -> Router {
    let chaos = env.shared(|| {
        describe_counter!("chaos_delayed", Unit::Count, "requests that an experiment held up");
        describe_counter!("chaos_failed", Unit::Count, "requests that an experiment failed");
        describe_counter!("chaos_spared", Unit::Count, "requests spared: enough were held up");
        describe_gauge!("chaos_held", Unit::Count, "requests that an experiment holds up now");
        let param = |name| env.param(name, params::start(name));
        Chaos {
            latency_percent: param("chaos_latency_percent"),
            from_ms: param("chaos_latency_from_ms"),
            to_ms: param("chaos_latency_to_ms"),
            error_percent: param("chaos_error_percent"),
            status: param("chaos_error_status"),
            marked: param("chaos_marked"),
            most: param("chaos_most"),
            dice: env.random("chaos"),
            held: Semaphore::new(MOST),
        }
    });
    routes.layer(from_fn_with_state(chaos, inject))
}

async fn inject(State(chaos): State<Arc<Chaos>>, request: Request, next: Next) -> Response {
    if chaos.marked.get() > 0.5 && !request.headers().contains_key(MARK) {
        return next.run(request).await;
    }
    if chaos.dice.hits(chaos.error_percent.get()) {
        counter!("chaos_failed").increment(1);
        let status = StatusCode::from_u16(chaos.status.get() as u16);
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        return (status, "failed on purpose\n").into_response();
    }
    if chaos.dice.hits(chaos.latency_percent.get()) {
        chaos.hold().await;
    }
    next.run(request).await
}

impl Chaos {
    /// Holds a request up, unless as many are held up as may be.
    async fn hold(&self) {
        let Ok(held) = self.held.try_acquire() else { return };
        let now = MOST - self.held.available_permits();
        if now as f64 > self.most.get() {
            counter!("chaos_spared").increment(1);
            return;
        }
        counter!("chaos_delayed").increment(1);
        gauge!("chaos_held").set(now as f64);
        // A request whose client leaves is dropped here, and is not held any more.
        let _held = Held { place: Some(held), all: &self.held };
        let (from, to) = (self.from_ms.millis(), self.to_ms.millis());
        let longer = to.saturating_sub(from).mul_f64(self.dice.uniform());
        tokio::time::sleep(from + longer).parked("an experiment's delay").await;
    }
}

/// The place of a request that is held up, until it goes on or is given up.
struct Held<'a> {
    place: Option<SemaphorePermit<'a>>,
    all: &'a Semaphore,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        drop(self.place.take());
        gauge!("chaos_held").set((MOST - self.all.available_permits()) as f64);
    }
}
