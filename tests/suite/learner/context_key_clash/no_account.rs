//! A partial fix: the groups' accounts are gone, and the store is asked in the customer's name.

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use firedrill_core::incident::client::StoreClient;
use firedrill_core::incident::{Chain, Context, Env, Slot};

use super::shared::{Locals, describe, page, signed_in};

pub fn install(chain: &mut Chain) {
    chain.layer_beside(Slot::Auth, sessions);
    chain.routes("mine", |routes, _| {
        routes.route("/orders/mine", get(my_orders)).route("/invoices/mine", get(my_invoices))
    });
}

fn sessions(routes: Router, env: &Env) -> Router {
    describe(env);
    routes.layer(from_fn(sign_in))
}

async fn sign_in(mut request: Request, next: Next) -> Response {
    if let Some(customer) = signed_in(request.headers()) {
        Locals::of(&mut request).set("user", customer);
    }
    next.run(request).await
}

async fn my_orders(
    locals: Extension<Locals>,
    store: Extension<StoreClient>,
    context: Extension<Context>,
) -> Response {
    page("order", (locals.get("user"), locals.get("user")), (store, context)).await
}

async fn my_invoices(
    locals: Extension<Locals>,
    store: Extension<StoreClient>,
    context: Extension<Context>,
) -> Response {
    page("invoice", (locals.get("user"), locals.get("user")), (store, context)).await
}
