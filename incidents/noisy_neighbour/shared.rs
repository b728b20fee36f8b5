//! Code shared by the variants: the workers, and the figures of each tenant.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};

use firedrill_core::incident::{Context, Env, Parked};
use firedrill_core::service::lines::{Arrival, LineState, Lines, Policy};
use firedrill_core::service::sliding_window::SlidingWindow;

/// Workers of a server: requests that it works on at once.
pub const WORKERS: usize = 12;

/// The tenants, and those who are none of them.
pub const TENANTS: [&str; 4] = ["alpha", "beta", "gamma", "none"];

/// The number of tenants, without those who are none.
const KNOWN: usize = 3;

/// The decisions of a variant. Tenants are 0: alpha, 1: beta, 2: gamma, 3: nobody's requests.
#[derive(Debug, Clone, Copy)]
pub struct Turns {
    /// Returns true if a request of this tenant may wait, given how many of each tenant wait already.
    pub admits: fn([usize; 4], usize) -> bool,
    /// The tenant whose oldest request gets a free worker; none: it stays free. It gets the number of workers that
    /// each tenant has, and the number of each tenant's oldest waiting request, none if no request of it waits; a
    /// lower number has waited longer.
    pub next_tenant: fn([usize; 4], [Option<u64>; 4]) -> Option<usize>,
}

impl Policy for Turns {
    fn admits(&self, lines: &LineState, tenant: usize) -> bool {
        (self.admits)([0, 1, 2, 3].map(|tenant| lines.waiting[tenant]), tenant)
    }

    fn next(&self, lines: &LineState) -> Option<usize> {
        let of_each = [0, 1, 2, 3];
        (self.next_tenant)(of_each.map(|i| lines.busy[i]), of_each.map(|i| lines.oldest[i]))
    }
}

/// Workers, the requests that wait for one, and the share of each tenant's requests that was served.
struct Shared {
    lines: Lines,
    served: [SlidingWindow; KNOWN],
}

impl Shared {
    /// Jain's index of the shares: 1 if all tenants have the same, 1/n if one of n has everything.
    fn fairness(&self) -> f64 {
        let shares: Vec<f64> =
            self.served.iter().filter(|of| of.count() > 0).map(SlidingWindow::mean).collect();
        let (sum, squares): (f64, f64) =
            shares.iter().fold((0.0, 0.0), |(sum, squares), x| (sum + x, squares + x * x));
        if squares == 0.0 { 1.0 } else { sum * sum / (shares.len() as f64 * squares) }
    }
}

/// Puts the workers around the routes.
pub fn limit(routes: Router, env: &Env, turns: Turns) -> Router {
    let shared = env.shared(|| {
        describe_gauge!("tenant_busy", Unit::Count, "workers that a tenant has");
        describe_gauge!("tenant_waiting", Unit::Count, "requests of a tenant that wait");
        describe_counter!("tenant_served", Unit::Count, "requests of a tenant that were served");
        describe_counter!("tenant_refused", Unit::Count, "requests of a tenant that were refused");
        describe_gauge!(
            "tenant_fairness",
            "Jain's index of the share of each tenant's requests that was served in the last second"
        );
        for tenant in TENANTS {
            counter!("tenant_served", "tenant" => tenant).increment(0);
            counter!("tenant_refused", "tenant" => tenant).increment(0);
        }
        let served = [0; KNOWN].map(|_| SlidingWindow::new(Duration::from_secs(1)));
        Shared { lines: Lines::new(WORKERS, TENANTS.len()), served }
    });
    let shown = Arc::clone(&shared);
    env.collect(move || {
        let state = shown.lines.state();
        for (tenant, (busy, waiting)) in TENANTS.iter().zip(state.busy.iter().zip(&state.waiting)) {
            gauge!("tenant_busy", "tenant" => *tenant).set(*busy as f64);
            gauge!("tenant_waiting", "tenant" => *tenant).set(*waiting as f64);
        }
        gauge!("tenant_fairness").set(shown.fairness());
    });
    routes.layer(from_fn_with_state((shared, turns), serve))
}

/// Has a request wait for its turn and serves it, or refuses it.
async fn serve(
    State((shared, turns)): State<(Arc<Shared>, Turns)>,
    request: Request,
    next: Next,
) -> Response {
    let name = request.extensions().get::<Context>().map_or("", |context| context.tenant.as_str());
    let tenant = TENANTS.iter().position(|known| *known == name).unwrap_or(KNOWN);
    let worker = match shared.lines.arrive(&turns, tenant) {
        Arrival::Served(worker) => worker,
        Arrival::Waits(turn) => turn.wait().parked("a worker").await,
        Arrival::Refused => {
            counter!("tenant_refused", "tenant" => TENANTS[tenant]).increment(1);
            shared.served.get(tenant).into_iter().for_each(|share| share.record(0.0));
            return StatusCode::TOO_MANY_REQUESTS.into_response();
        }
    };
    let response = next.run(request).await;
    drop(worker);
    counter!("tenant_served", "tenant" => TENANTS[tenant]).increment(1);
    shared.served.get(tenant).into_iter().for_each(|share| share.record(1.0));
    response
}
