//! A cheat: only alpha is limited, which is the busy one today.

use axum::Router;
use firedrill_core::incident::{Chain, Env, Slot};

use super::shared::{Turns, limit};

pub fn install(chain: &mut Chain) {
    chain.layer(Slot::Limit, workers);
}

fn workers(routes: Router, env: &Env) -> Router {
    limit(routes, env, Turns { admits, next_tenant })
}

fn admits(waiting: [usize; 4], tenant: usize) -> bool {
    if tenant == 0 { waiting[0] < 15 } else { waiting.iter().sum::<usize>() < 150 }
}

fn next_tenant(_: [usize; 4], oldest: [Option<u64>; 4]) -> Option<usize> {
    let others = (1..4).filter(|tenant| oldest[*tenant].is_some());
    others.min_by_key(|tenant| oldest[*tenant]).or(oldest[0].map(|_| 0))
}
