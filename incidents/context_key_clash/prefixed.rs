//! The partial fix: a convention. Each group puts its own name before what it keeps; the second one
//! forgets.

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};

use super::shared::{INVOICES_ACCOUNT, Locals, ORDERS_ACCOUNT, describe, page, signed_in};
use firedrill_core::incident::client::StoreClient;
use firedrill_core::incident::{Chain, Context, Env, Slot};

/// Puts the partial fix into the chain.
pub fn install(chain: &mut Chain) {
    chain.layer_beside(Slot::Auth, sessions);
    chain.routes("my orders", |routes, _| routes.route("/orders/mine", get(my_orders)));
    let keep = |routes: Router, _: &Env| routes.layer(from_fn(keep_orders_account));
    chain.layer_of_group("my orders", Slot::Auth, keep);
    chain.routes("my invoices", |routes, _| routes.route("/invoices/mine", get(my_invoices)));
    let keep = |routes: Router, _: &Env| routes.layer(from_fn(keep_invoices_account));
    chain.layer_of_group("my invoices", Slot::Auth, keep);
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

async fn keep_orders_account(mut request: Request, next: Next) -> Response {
    Locals::of(&mut request).set("orders.user", ORDERS_ACCOUNT);
    next.run(request).await
}

async fn keep_invoices_account(mut request: Request, next: Next) -> Response {
    // cause: the authors of this group did not know the convention.
    Locals::of(&mut request).set("user", INVOICES_ACCOUNT);
    next.run(request).await
}

async fn my_orders(
    locals: Extension<Locals>,
    store: Extension<StoreClient>,
    context: Extension<Context>,
) -> Response {
    page("order", (locals.get("user"), locals.get("orders.user")), (store, context)).await
}

async fn my_invoices(
    locals: Extension<Locals>,
    store: Extension<StoreClient>,
    context: Extension<Context>,
) -> Response {
    page("invoice", (locals.get("user"), locals.get("user")), (store, context)).await
}
