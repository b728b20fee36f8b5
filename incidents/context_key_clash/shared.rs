//! Code shared by the variants: the sign-in, the context with string keys, and the customers' pages.

use std::collections::HashMap;

use axum::Extension;
use axum::extract::Request;
use axum::http::header::COOKIE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use metrics::{Unit, counter, describe_counter};

use firedrill_core::incident::client::{StoreClient, StoreCommand, StoreRequest};
use firedrill_core::incident::{Context, Env};

/// The accounts in whose names two groups of routes ask the store. They may see everybody's rows.
pub const ORDERS_ACCOUNT: &str = "orders-service";
pub const INVOICES_ACCOUNT: &str = "invoices-service";

/// Each customer, and the number of what is theirs.
const CUSTOMERS: [(&str, u64); 3] = [("ann", 17), ("bob", 18), ("carol", 19)];

/// Values of a request under string keys, like a Gin context.
#[derive(Debug, Clone, Default)]
pub struct Locals(HashMap<&'static str, &'static str>);

impl Locals {
    /// Those of a request.
    pub fn of(request: &mut Request) -> &mut Self {
        request.extensions_mut().get_or_insert_default()
    }

    /// Keeps a value under a name, whatever stood there.
    pub fn set(&mut self, name: &'static str, value: &'static str) {
        if self.0.insert(name, value).is_some() {
            counter!("context_overwritten").increment(1);
        }
    }

    /// Returns the value of a key.
    pub fn get(&self, name: &str) -> Option<&'static str> {
        self.0.get(name).copied()
    }
}

/// Tells what is counted; each form calls it.
pub fn describe(env: &Env) {
    struct Described;
    env.shared(|| {
        describe_counter!("context_overwritten", Unit::Count, "names set that stood already");
        describe_counter!("context_all_rows", Unit::Count, "pages with the rows of all customers");
        describe_counter!("context_account_calls", Unit::Count, "calls in a service's name");
        for name in ["context_overwritten", "context_all_rows", "context_account_calls"] {
            counter!(name).increment(0);
        }
        Described
    });
}

/// The customer whose session a request belongs to.
pub fn signed_in(headers: &HeaderMap) -> Option<&'static str> {
    let session = headers.get(COOKIE)?.to_str().ok()?.strip_prefix("session=")?;
    CUSTOMERS.iter().find(|(name, _)| *name == session).map(|(name, _)| *name)
}

/// The rows that `user` may see, asked of the store in the name of `account`.
pub async fn page(
    what: &str,
    (user, account): (Option<&str>, Option<&str>),
    (Extension(store), Extension(context)): (Extension<StoreClient>, Extension<Context>),
) -> Response {
    let (Some(user), Some(account)) = (user, account) else {
        return (StatusCode::UNAUTHORIZED, "sign in first\n").into_response();
    };
    let is_service = |name: &str| [ORDERS_ACCOUNT, INVOICES_ACCOUNT].contains(&name);
    counter!("context_account_calls").increment(is_service(account).into());
    let command = StoreCommand::Get(1);
    if let Err(error) = store.ask(StoreRequest { command, context }).await {
        return (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response();
    }
    counter!("context_all_rows").increment(is_service(user).into());
    let may_see = CUSTOMERS.iter().filter(|(name, _)| *name == user || is_service(user));
    let rows: Vec<_> = may_see.map(|(name, number)| format!("{what} {number} of {name}")).collect();
    format!("[{}]\n", rows.join(", ")).into_response()
}
