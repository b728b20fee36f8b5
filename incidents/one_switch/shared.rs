//! Code shared by the variants: the route of the reports, and its three duties.

use std::sync::{Mutex, PoisonError};

use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use metrics::{Unit, counter, describe_counter};
use tokio::time::Instant;

use firedrill_core::incident::client::{StoreClient, StoreCommand, StoreRequest};
use firedrill_core::incident::env::Param;
use firedrill_core::incident::{Context, Env};
use firedrill_core::service::log_file::{LogFile, LogLine, log_file};

/// Commands to the store that a report takes, one after the other.
const COMMANDS: u64 = 10;

/// Reports that may be made in a second.
const REPORTS_PER_S: f64 = 10.0;

/// State of the three duties, and their switches.
pub struct Duties {
    logging: Param,
    checking: Param,
    limiting: Param,
    file: std::sync::Arc<LogFile>,
    bucket: Mutex<Bucket>,
}

/// A token bucket that holds a second's worth.
struct Bucket {
    tokens: f64,
    filled: Instant,
}

impl Duties {
    pub fn new(env: &Env) -> Self {
        describe_counter!("reports_started", Unit::Count, "reports that somebody began to get");
        describe_counter!("reports_strangers", Unit::Count, "reports begun without a badge");
        describe_counter!("reports_logged", Unit::Count, "lines in the log about reports");
        for name in ["reports_started", "reports_strangers", "reports_logged"] {
            counter!(name).increment(0);
        }
        Self {
            logging: env.param("report_log", 0.0),
            checking: env.param("report_check", 1.0),
            limiting: env.param("report_limit", 1.0),
            file: log_file(env),
            bucket: Mutex::new(Bucket { tokens: REPORTS_PER_S, filled: Instant::now() }),
        }
    }

    /// Returns true if reports are logged.
    pub fn log_is_on(&self) -> bool {
        self.logging.get() > 0.5
    }

    /// Returns true if the badge is checked.
    pub fn check_is_on(&self) -> bool {
        self.checking.get() > 0.5
    }

    /// Returns true if reports are limited.
    pub fn limit_is_on(&self) -> bool {
        self.limiting.get() > 0.5
    }

    /// Takes a turn, where one is left.
    pub fn take_turn(&self) -> bool {
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let grown = bucket.filled.elapsed().as_secs_f64() * REPORTS_PER_S;
        bucket.filled = Instant::now();
        bucket.tokens = (bucket.tokens + grown).min(REPORTS_PER_S);
        let left = bucket.tokens >= 1.0;
        bucket.tokens -= f64::from(left);
        left
    }

    /// Writes a line about a report.
    pub fn log(&self, request: &str, response: &Response) {
        let line = LogLine { request: request.to_owned(), status: response.status().as_u16() };
        self.file.append(line);
        counter!("reports_logged").increment(1);
    }
}

/// Returns true if a request has a badge.
pub fn has_badge(headers: &HeaderMap) -> bool {
    headers.get("x-badge").is_some_and(|badge| badge == "staff-7")
}

/// A request as the log shows it.
pub fn describe(request: &Request) -> String {
    format!("report {} {}", request.method(), request.uri())
}

pub fn turned_away() -> Response {
    (StatusCode::FORBIDDEN, "staff only\n").into_response()
}

pub fn too_many() -> Response {
    (StatusCode::TOO_MANY_REQUESTS, "too many reports at once\n").into_response()
}

/// Adds the route of the reports.
pub fn reports(routes: Router, _: &Env) -> Router {
    routes.route("/reports/daily", get(daily))
}

async fn daily(
    headers: HeaderMap,
    Extension(store): Extension<StoreClient>,
    Extension(context): Extension<Context>,
) -> Response {
    counter!("reports_started").increment(1);
    counter!("reports_strangers").increment((!has_badge(&headers)).into());
    for day in 0..COMMANDS {
        let command = StoreCommand::Get(day);
        let request = StoreRequest { command, context: context.clone() };
        if let Err(error) = store.ask(request).await {
            return (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response();
        }
    }
    "the daily report\n".into_response()
}
