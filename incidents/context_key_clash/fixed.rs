//! The fix: types in place of names. Only authentication can make a `Customer`, so nobody else can put
//! one in its place.

use axum::middleware::from_fn;
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};

use self::authentication::{Customer, sign_in};
use super::shared::{INVOICES_ACCOUNT, ORDERS_ACCOUNT, describe, page};
use firedrill_core::incident::client::StoreClient;
use firedrill_core::incident::{Chain, Context, Env, Slot};

/// In whose name a group of routes asks the store.
#[derive(Clone)]
struct Account(&'static str);

/// Puts the fix into the chain.
pub fn install(chain: &mut Chain) {
    chain.layer_beside(Slot::Auth, sessions);
    chain.routes("my orders", |routes, _| routes.route("/orders/mine", get(my_orders)));
    let keep = |routes: Router, _: &Env| routes.layer(Extension(Account(ORDERS_ACCOUNT)));
    chain.layer_of_group("my orders", Slot::Auth, keep);
    chain.routes("my invoices", |routes, _| routes.route("/invoices/mine", get(my_invoices)));
    let keep = |routes: Router, _: &Env| routes.layer(Extension(Account(INVOICES_ACCOUNT)));
    chain.layer_of_group("my invoices", Slot::Auth, keep);
}

fn sessions(routes: Router, env: &Env) -> Router {
    describe(env);
    routes.layer(from_fn(sign_in))
}

async fn my_orders(
    Extension(customer): Extension<Customer>,
    Extension(account): Extension<Account>,
    store: Extension<StoreClient>,
    context: Extension<Context>,
) -> Response {
    page("order", (Some(customer.name()), Some(account.0)), (store, context)).await
}

async fn my_invoices(
    Extension(customer): Extension<Customer>,
    Extension(account): Extension<Account>,
    store: Extension<StoreClient>,
    context: Extension<Context>,
) -> Response {
    page("invoice", (Some(customer.name()), Some(account.0)), (store, context)).await
}

mod authentication {
    use axum::extract::Request;
    use axum::middleware::Next;
    use axum::response::Response;

    use super::super::shared::signed_in;

    /// The signed-in customer. The field is private: code outside this module cannot create one.
    #[derive(Clone)]
    pub struct Customer(&'static str);

    impl Customer {
        pub fn name(&self) -> &'static str {
            self.0
        }
    }

    pub async fn sign_in(mut request: Request, next: Next) -> Response {
        if let Some(name) = signed_in(request.headers()) {
            // fix: kept under its type, which this module alone can make.
            request.extensions_mut().insert(Customer(name));
        }
        next.run(request).await
    }
}
