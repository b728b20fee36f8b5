//! A cheat: queries and uploads are refused, so payments have all the workers.

use std::sync::Arc;

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

fn admits(_: [usize; 3], class: usize) -> bool {
    class == 0
}

fn next_class(_: &Env, oldest: [Option<u64>; 3]) -> Option<usize> {
    (0..3).find(|class| oldest[*class].is_some())
}
