//! Code shared by the variants: the admin pages, their accounts, and the counters.

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use metrics::{Unit, counter, describe_counter};

use firedrill_core::incident::Env;

/// A name, and its password.
pub type Account = (&'static str, &'static str);

/// The one account that was made for a person.
pub const OLGA: Account = ("olga", "correct-horse");

/// The account that the software comes with.
pub const DEFAULT: Account = ("admin", "admin");

/// The page that a monitor asks for, which has no password.
pub const HEALTH: &str = "/admin/health";
pub const DETAIL: &str = "/admin/health-detail";
pub const ORDERS: &str = "/admin/orders";
pub const EXPORT: &str = "/admin/export";

/// Name and password that a request comes with.
pub fn login(headers: &HeaderMap) -> Option<(&str, &str)> {
    headers.get("x-admin")?.to_str().ok()?.split_once(':')
}

/// Returns true if a request has the name and password of one of these accounts; counts logins.
pub fn may_enter(headers: &HeaderMap, accounts: &[Account]) -> bool {
    let Some(login) = login(headers) else { return false };
    let known = accounts.contains(&login);
    let counted = if known { "admin_logins_accepted" } else { "admin_logins_rejected" };
    counter!(counted).increment(1);
    known
}

/// An answer that refuses.
pub type Refusal = (StatusCode, &'static str);

pub const REFUSED: Refusal = (StatusCode::UNAUTHORIZED, "your name and password, please\n");

pub async fn health() -> &'static str {
    "ok\n"
}

pub async fn health_detail() -> &'static str {
    "store: db-7.internal, user: gateway, password: hunter2\n"
}

pub async fn orders() -> &'static str {
    "orders of today: 4711\n"
}

pub async fn export() -> &'static str {
    "ann, Elm Street 4; bob, Oak Lane 2; carol, Hill Road 9\n"
}

/// Counts the pages served to anybody except Olga, but for
/// [`HEALTH`]. It stands outside of all forms, and decides nothing.
pub fn watch(routes: Router, env: &Env) -> Router {
    struct Described;
    env.shared(|| {
        describe_counter!("admin_strangers", Unit::Count, "admin pages that went to strangers");
        describe_counter!("admin_pages", Unit::Count, "admin pages that went to who may see them");
        describe_counter!("admin_exports", Unit::Count, "of strangers' pages: the new one");
        describe_counter!("admin_open", Unit::Count, "requests let through without a password");
        describe_counter!("admin_logins_accepted", Unit::Count, "logins accepted");
        describe_counter!("admin_logins_rejected", Unit::Count, "logins rejected");
        for name in ["strangers", "exports", "pages", "open", "logins_accepted", "logins_rejected"]
        {
            counter!(format!("admin_{name}")).increment(0);
        }
        Described
    });
    routes.layer(from_fn(look))
}

async fn look(request: Request, next: Next) -> Response {
    let page = request.extensions().get::<MatchedPath>().cloned();
    let stranger = login(request.headers()) != Some(OLGA);
    let response = next.run(request).await;
    if let Some(page) =
        page.filter(|page| page.as_str() != HEALTH && response.status().is_success())
    {
        counter!(if stranger { "admin_strangers" } else { "admin_pages" }).increment(1);
        counter!("admin_exports").increment((stranger && page.as_str() == EXPORT).into());
    }
    response
}
