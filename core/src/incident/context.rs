//! Context of a request on its way through the service, to the database and back.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use tokio::time::{Duration, Instant};

use super::env::Env;

/// The header that names a request's class.
pub const CLASS_HEADER: &str = "x-class";

/// The header that names whose request it is.
pub const TENANT_HEADER: &str = "x-tenant";

/// The header that says how long its client waits, in milliseconds.
pub const DEADLINE_HEADER: &str = "x-deadline-ms";

/// Importance of a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// May wait: an upload of logs.
    Low,
    /// A query.
    #[default]
    Medium,
    /// At once: a payment, a login.
    High,
}

impl Class {
    /// As a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// Context of a request.
#[derive(Debug, Clone)]
pub struct Context {
    /// Its number in this process, from 1.
    pub id: u64,
    /// The version of the service that it met: its chain, in a word or two.
    pub version: Arc<str>,
    /// Whose request it is; empty where nobody says.
    pub tenant: String,
    /// Importance.
    pub class: Class,
    /// Time at which its client gives up.
    pub deadline: Option<Instant>,
}

impl Default for Context {
    /// Context of an unknown request.
    fn default() -> Self {
        Self::read(0, Arc::from(""), &HeaderMap::new())
    }
}

impl Context {
    fn read(id: u64, version: Arc<str>, headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let class = match text(CLASS_HEADER) {
            Some("high") => Class::High,
            Some("low") => Class::Low,
            _ => Class::Medium,
        };
        let deadline_ms = text(DEADLINE_HEADER).and_then(|ms| ms.parse().ok());
        Self {
            id,
            version,
            tenant: text(TENANT_HEADER).unwrap_or_default().to_owned(),
            class,
            deadline: deadline_ms.map(|ms| Instant::now() + Duration::from_millis(ms)),
        }
    }
}

/// Gives each request its context, as an extension.
pub(super) async fn attach(State(env): State<Env>, mut request: Request, next: Next) -> Response {
    let context = Context::read(env.next_id(), env.version(), request.headers());
    request.extensions_mut().insert(context);
    next.run(request).await
}
