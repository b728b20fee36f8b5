//! Checks before a request reaches the room: its host and origin, the headers of each response, and the number of
//! wrong join codes from one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, ORIGIN, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use firedrill_core::child::connection::PATIENCE;
use tokio::time::{Instant, timeout};

/// Scripts, styles and connections of this server alone; the walks run in workers that a page makes of text.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; worker-src blob:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Bytes of a request's body, at most: a message is a few words.
const LARGEST_BODY: usize = 4096;

/// Wrong codes from one address in a window, at most. A class may share one address.
const MOST_WRONG: u32 = 60;

/// Wrong codes from all addresses in a window, at most.
const MOST_WRONG_IN_ALL: u32 = 600;

/// Time after which wrong codes are forgotten.
const WINDOW: Duration = Duration::from_mins(1);

/// Lets requests through that name this machine, and posts that come from its own pages.
pub async fn check(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).map(str::to_owned);
    let mut response = match host {
        Some(host) if names_machine(&host) && headers.get_all(HOST).iter().count() == 1 => {
            if request.method() == Method::POST && !is_own(headers, &host) {
                (StatusCode::FORBIDDEN, "only the pages of the class post here").into_response()
            } else {
                let (parts, body) = request.into_parts();
                // A body that comes slowly holds a connection for as long.
                let body = timeout(PATIENCE, to_bytes(body, LARGEST_BODY)).await;
                match body {
                    Ok(Ok(body)) => next.run(Request::from_parts(parts, Body::from(body))).await,
                    Ok(Err(_)) => StatusCode::PAYLOAD_TOO_LARGE.into_response(),
                    Err(_) => StatusCode::REQUEST_TIMEOUT.into_response(),
                }
            }
        }
        _ => (StatusCode::FORBIDDEN, "open the address that `firedrill class` printed")
            .into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Stricter, a browser sends no origin with a form.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Returns true if a host is an address or `localhost`. Another site's name that resolves to this machine is neither.
fn names_machine(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let name = authority.host();
    let address = name.trim_start_matches('[').trim_end_matches(']');
    !host.contains('@')
        && (name.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok())
}

/// Returns true if a post comes from a page of this server.
fn is_own(headers: &HeaderMap, host: &str) -> bool {
    let origin = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok());
    origin.and_then(|origin| origin.strip_prefix("http://")) == Some(host)
}

/// The wrong join codes of the last minute.
#[derive(Debug)]
pub struct WrongCodes {
    since: Instant,
    by: HashMap<IpAddr, u32>,
    all: u32,
}

impl WrongCodes {
    /// None yet.
    pub fn new(now: Instant) -> Self {
        Self { since: now, by: HashMap::new(), all: 0 }
    }

    /// Returns true if this address may try a code now.
    pub fn may_try(&mut self, peer: IpAddr, now: Instant) -> bool {
        if now.duration_since(self.since) >= WINDOW {
            *self = Self::new(now);
        }
        self.all < MOST_WRONG_IN_ALL && self.by.get(&peer).is_none_or(|wrong| *wrong < MOST_WRONG)
    }

    /// Counts a wrong code.
    pub fn count(&mut self, peer: IpAddr) {
        self.all += 1;
        *self.by.entry(peer).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_addresses_and_refuses_names() {
        for host in ["127.0.0.1:7380", "192.168.1.20:7380", "[::1]:80", "localhost", "LocalHost:1"]
        {
            assert!(names_machine(host), "{host}");
        }
        for host in ["evil.example", "127.0.0.1.evil.example:7380", "a@127.0.0.1", "", "firedrill"]
        {
            assert!(!names_machine(host), "{host}");
        }
    }

    #[test]
    fn accepts_posts_of_its_own_origin_only() {
        let with = |origin: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(ORIGIN, origin.parse().expect("a header"));
            is_own(&headers, "10.0.0.1:7380")
        };
        assert!(with("http://10.0.0.1:7380"));
        for origin in ["http://10.0.0.1", "https://10.0.0.1:7380", "http://evil.example", "null"] {
            assert!(!with(origin), "{origin}");
        }
        assert!(!is_own(&HeaderMap::new(), "10.0.0.1:7380"));
    }

    #[test]
    fn limits_wrong_codes_of_an_address_for_a_minute() {
        let (now, one) = (Instant::now(), IpAddr::from([10, 0, 0, 1]));
        let mut wrong = WrongCodes::new(now);
        for _ in 0..MOST_WRONG {
            assert!(wrong.may_try(one, now));
            wrong.count(one);
        }
        assert!(!wrong.may_try(one, now));
        assert!(wrong.may_try(IpAddr::from([10, 0, 0, 2]), now));
        assert!(wrong.may_try(one, now + WINDOW));
    }
}
