//! The fix: a line for each tenant, and a free worker for the tenant that has the fewest.

use axum::Router;
use firedrill_core::incident::{Chain, Env, Slot};

use super::shared::{Turns, limit};

/// Puts the fix into the chain.
pub fn install(chain: &mut Chain) {
    chain.layer(Slot::Limit, workers);
}

fn workers(routes: Router, env: &Env) -> Router {
    limit(routes, env, Turns { admits, next_tenant })
}

/// Requests of each tenant that may wait.
const OF_EACH: usize = 15;

/// Returns true if a request of this tenant may wait.
fn admits(waiting: [usize; 4], tenant: usize) -> bool {
    waiting[tenant] < OF_EACH
}

/// The tenant whose request gets the free worker.
fn next_tenant(busy: [usize; 4], oldest: [Option<u64>; 4]) -> Option<usize> {
    let waiting = (0..4).filter(|tenant| oldest[*tenant].is_some());
    // fix: the tenant with the fewest workers is next; a tenant that is alone may have them all.
    waiting.min_by_key(|tenant| (busy[*tenant], oldest[*tenant]))
}
