//! Three tenants share the workers of a server: the request that has waited longest gets the next free one.
//!
//! Change this file so that, while any one tenant sends far more than the workers can handle:
//!
//! * the requests of the two others are answered as always;
//! * the busy tenant gets what the others leave: at least 110 of its requests a second are answered.
//!
//! What you need to know:
//!
//! * There are 12 workers, which serve about 200 requests a second. Two tenants send about 30 a second each, the busy
//!   one more than 500. Clients wait for one second.
//! * Tenants are 0: alpha, 1: beta, 2: gamma; 3 stands for requests of nobody, of which there are none here.
//! * `admits` is called when a request has to wait: it gets the number of waiting requests of each tenant, and the
//!   tenant of the request. A request that is not admitted is refused at once.
//! * `next_tenant` is called when a worker is free and when a request arrives. It gets the number of workers that each
//!   tenant has, and the number of each tenant's oldest waiting request; `None` if no request of it waits.
//! * It returns the tenant whose oldest request gets the worker; with `None` the worker stays free.

use axum::Router;
use firedrill_core::incident::{Chain, Env, Slot};

use super::shared::{Turns, limit};

/// Puts the workers into the chain.
pub fn install(chain: &mut Chain) {
    chain.layer(Slot::Limit, workers);
}

fn workers(routes: Router, env: &Env) -> Router {
    limit(routes, env, Turns { admits, next_tenant })
}

/// Requests that may wait, of all tenants together.
const LONGEST: usize = 150;

/// Returns true if a request may wait.
fn admits(waiting: [usize; 4], _: usize) -> bool {
    waiting.iter().sum::<usize>() < LONGEST
}

/// The tenant whose request gets the free worker.
fn next_tenant(_: [usize; 4], oldest: [Option<u64>; 4]) -> Option<usize> {
    let waiting = (0..4).filter(|tenant| oldest[*tenant].is_some());
    waiting.min_by_key(|tenant| oldest[*tenant])
}
