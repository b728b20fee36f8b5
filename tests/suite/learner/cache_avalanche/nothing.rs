//! A cheat: a page for every article, without reading any.

use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use axum::Router;
use firedrill_core::incident::{Chain, Env};

use super::shared::{articles, page};

pub fn install(chain: &mut Chain) {
    chain.routes("articles", routes);
}

fn routes(routes: Router, env: &Env) -> Router {
    articles(env);
    routes.route("/articles/{id}", get(read))
}

async fn read(Path(id): Path<u64>) -> Response {
    page(id, Ok(()))
}
