//! One line for all tenants: a free worker gets the request that has waited longest.

use axum::Router;
use firedrill_core::incident::{Chain, Env, Slot};

use super::shared::{Turns, limit};

/// Puts the bug into the chain.
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
    // cause: one tenant can fill the line, and then nobody else gets in.
    waiting.iter().sum::<usize>() < LONGEST
}

/// The tenant whose request gets the free worker.
fn next_tenant(_: [usize; 4], oldest: [Option<u64>; 4]) -> Option<usize> {
    let waiting = (0..4).filter(|tenant| oldest[*tenant].is_some());
    waiting.min_by_key(|tenant| oldest[*tenant])
}
