//! Code shared by the variants: the connections that requests hold, and the faults.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};
use tokio::sync::Semaphore;

use firedrill_core::incident::env::Param;
use firedrill_core::incident::{Env, Parked};
use firedrill_core::random::RandomStream;

/// Connections to the store: a request holds one from its first middleware to its answer.
const CONNECTIONS: usize = 8;

/// Percent of all requests that fail at random.
pub const FAILED_PERCENT: f64 = 5.0;

/// Parts of an experiment.
pub struct Lab {
    dice: RandomStream,
    experiment: Param,
}

impl Lab {
    pub fn new(env: &Env) -> Self {
        describe_counter!("faults_delayed", Unit::Count, "requests that the fault layer delayed");
        describe_counter!("faults_failed", Unit::Count, "requests that the fault layer failed");
        describe_gauge!("faults_waiting", Unit::Count, "requests that a fault holds up now");
        counter!("faults_delayed").increment(0);
        counter!("faults_failed").increment(0);
        gauge!("faults_waiting").set(0.0);
        describe_gauge!("faults_experiment", "whether an experiment is named: 1 or 0");
        let (experiment, told) =
            (env.param("fault_experiment", 0.0), env.param("fault_experiment", 0.0));
        env.collect(move || gauge!("faults_experiment").set(told.get()));
        Self { dice: env.random("faults"), experiment }
    }

    /// Returns true if the environment names a running experiment.
    pub fn names_an_experiment(&self) -> bool {
        self.experiment.get() > 0.5
    }

    /// Returns true for a random failure.
    pub fn fails(&self) -> bool {
        self.dice.hits(FAILED_PERCENT)
    }

    /// Holds a request up, from 100 ms to 2 s.
    pub async fn delay(&self) {
        struct Waiting;
        impl Drop for Waiting {
            fn drop(&mut self) {
                gauge!("faults_waiting").decrement(1);
            }
        }
        counter!("faults_delayed").increment(1);
        gauge!("faults_waiting").increment(1);
        let _waiting = Waiting;
        let longer = Duration::from_millis(1900).mul_f64(self.dice.uniform());
        tokio::time::sleep(Duration::from_millis(100) + longer).parked("a fault's delay").await;
    }
}

/// Returns true if a request asks for a fault.
pub fn is_marked(headers: &HeaderMap) -> bool {
    headers.contains_key("x-fault")
}

/// Returns true if it comes from the team that runs experiments.
pub fn is_from_the_lab(headers: &HeaderMap) -> bool {
    headers.get("x-fault-token").is_some_and(|token| token == "lab-9")
}

/// An answer that fails on purpose.
pub fn failed() -> Response {
    counter!("faults_failed").increment(1);
    (StatusCode::INTERNAL_SERVER_ERROR, "failed at random\n").into_response()
}

struct Connections(Semaphore);

/// A connection to the store for each request, for as long as it takes.
pub fn connections(routes: Router, env: &Env) -> Router {
    let free = env.shared(|| {
        describe_gauge!("sessions_in_use", Unit::Count, "connections that requests hold");
        describe_gauge!("sessions_in_use_capacity", Unit::Count, "connections there are");
        Connections(Semaphore::new(CONNECTIONS))
    });
    routes.layer(from_fn_with_state(free, hold))
}

async fn hold(
    State(connections): State<Arc<Connections>>,
    request: Request,
    next: Next,
) -> Response {
    let connection = connections.0.acquire().parked("a free connection").await;
    connections.show();
    let response = next.run(request).await;
    drop(connection);
    connections.show();
    response
}

impl Connections {
    fn show(&self) {
        gauge!("sessions_in_use").set((CONNECTIONS - self.0.available_permits()) as f64);
        gauge!("sessions_in_use_capacity").set(CONNECTIONS as f64);
    }
}
