//! A solution written otherwise: credits. Each class earns some with every turn, and the one with the most is next;
//! payments earn most, and no class can keep many.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use firedrill_core::incident::{Chain, Env, Slot};

use super::shared::{Lines, Policy, lines, serve};

pub fn install(chain: &mut Chain) {
    chain.layer(Slot::Limit, limit);
}

fn limit(routes: Router, env: &Env) -> Router {
    routes.layer(from_fn_with_state((lines(env), env.clone()), take_turns))
}

async fn take_turns(
    State((lines, env)): State<(Arc<Lines>, Env)>,
    request: Request,
    next: Next,
) -> Response {
    serve((&lines, &env), Policy { admits, next_class }, request, next).await
}

fn admits(waiting: [usize; 3], class: usize) -> bool {
    waiting[class] < [40, 20, 15][class]
}

/// Credits of each class.
#[derive(Default)]
struct Credits(Mutex<[f64; 3]>);

fn next_class(env: &Env, oldest: [Option<u64>; 3]) -> Option<usize> {
    let credits = env.shared(Credits::default);
    let mut credits = credits.0.lock().unwrap_or_else(PoisonError::into_inner);
    for (credit, earns) in credits.iter_mut().zip([0.5, 0.45, 0.05]) {
        *credit = (*credit + earns).min(5.0);
    }
    let waiting = (0..3).filter(|class| oldest[*class].is_some());
    let next = waiting.max_by(|a, b| credits[*a].total_cmp(&credits[*b]))?;
    credits[next] -= 1.0;
    Some(next)
}
