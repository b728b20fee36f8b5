//! A request of a manifest, ready to be sent.

use std::sync::Arc;
// Where a pointer has 32 bits this is not the one of the standard library.
use metrics::atomics::AtomicU64;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::header::{HOST, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode, Uri};
use http_body_util::Full;

use super::context::{CLASS_HEADER, TENANT_HEADER};
use super::formula::Values;
use super::traffic::{Keys, Load, Request, RightAnswer};
use crate::event::Outcome;

/// Placeholder for the key in a path.
const KEY: &str = "{key}";

/// A request, ready to be sent any number of times.
#[derive(Debug, Clone)]
pub struct Prepared {
    kind: Option<Arc<str>>,
    method: Method,
    uri: Uri,
    /// The path with its key's place, where it has one.
    path: Option<(String, Keys)>,
    headers: HeaderMap,
    body: Bytes,
    right: Option<RightAnswer>,
    new_connection: bool,
}

/// A request that HTTP does not allow, or whose key makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Its method is none.
    #[error("method `{0}`")]
    Method(String),
    /// Its path is not one from the root.
    #[error("path `{0}`: expected to begin with `/`")]
    NoRoot(String),
    /// A key without a place in the path, or a place without a key.
    #[error("path `{0}`: `{{key}}` in it and `key` go together")]
    Key(String),
    /// No key lies in its range.
    #[error("key: expected `from` at most `to`")]
    NoKeys,
    /// Its path is none.
    #[error("path `{0}`: {1}")]
    Path(String, String),
    /// A header is none.
    #[error("header `{0}`: {1}")]
    Header(String, String),
}

/// Prepares a request of a manifest.
///
/// # Errors
///
/// When HTTP does not allow its method, path or a header.
pub fn build(request: &Request) -> Result<Prepared, RequestError> {
    let method = request.method.parse::<Method>();
    let method = method.map_err(|_| RequestError::Method(request.method.clone()))?;
    let path = || request.path.clone();
    if !request.path.starts_with('/') {
        return Err(RequestError::NoRoot(path()));
    }
    if request.path.contains(KEY) != request.key.is_some() {
        return Err(RequestError::Key(path()));
    }
    if request.key.is_some_and(|keys| keys.from > keys.to) {
        return Err(RequestError::NoKeys);
    }
    let uri = request.path.replace(KEY, "0").parse::<Uri>();
    let uri = uri.map_err(|e| RequestError::Path(path(), e.to_string()))?;
    let mut headers = HeaderMap::new();
    headers.insert(HOST, HeaderValue::from_static("localhost"));
    if let Some(class) = request.class {
        headers.insert(CLASS_HEADER, HeaderValue::from_static(class.word()));
    }
    let tenant = request.tenant.iter().map(|tenant| (TENANT_HEADER, tenant.as_str()));
    let own = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    for (name, value) in tenant.chain(own) {
        let wrong = |why: String| RequestError::Header(name.to_owned(), why);
        let key: HeaderName = name.parse().map_err(|e| wrong(format!("{e}")))?;
        let value: HeaderValue = value.parse().map_err(|e| wrong(format!("{e}")))?;
        headers.insert(key, value);
    }
    let body = if request.body.is_empty() {
        Bytes::from(vec![b'x'; request.body_bytes])
    } else {
        Bytes::from(request.body.clone())
    };
    let kind = request.name.as_deref().map(Arc::from);
    let path = request.key.map(|keys| (request.path.clone(), keys));
    let (right, new_connection) = (request.answers.clone(), request.new_connection);
    Ok(Prepared { kind, method, uri, path, headers, body, right, new_connection })
}

/// Prepares the requests of a manifest; their weights, at these values of the parameters, add up to `share`.
///
/// # Errors
///
/// When HTTP does not allow one, which a validated manifest excludes.
pub fn prepare(
    load: &Load,
    params: &Values,
    share: f64,
) -> Result<Vec<(f64, Arc<Prepared>)>, RequestError> {
    load.kinds(params).map(|(of, request)| Ok((of * share, Arc::new(build(request)?)))).collect()
}

/// Bytes of the bodies that a service holds. Clones share the count.
#[derive(Debug, Clone, Default)]
pub struct BodyBytes(Arc<AtomicU64>);

impl BodyBytes {
    /// Returns the current number.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A body that is counted until it is dropped.
struct Held {
    content: Bytes,
    held: BodyBytes,
}

impl Held {
    fn new(content: Bytes, held: &BodyBytes) -> Self {
        held.0.fetch_add(content.len() as u64, Ordering::Relaxed);
        Self { content, held: held.clone() }
    }
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.content
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.held.0.fetch_sub(self.content.len() as u64, Ordering::Relaxed);
    }
}

impl Keys {
    /// The key that a number drawn at random, all equally likely, stands for.
    fn pick(self, draw: u64) -> u64 {
        let (high, low) = (draw >> 32, draw & 0xffff_ffff);
        let share = |part: u64| part as f64 / 4_294_967_296.0;
        if share(high) * 100.0 < self.hot_percent {
            return self.from;
        }
        self.from + (share(low) * (self.to - self.from + 1) as f64) as u64
    }
}

impl Prepared {
    /// The name of its kind.
    pub fn kind(&self) -> Option<&Arc<str>> {
        self.kind.as_ref()
    }

    /// The key of a request for which this number was drawn; 0 where it has none.
    pub fn key(&self, draw: u64) -> u64 {
        self.path.as_ref().map_or(0, |(_, keys)| keys.pick(draw))
    }

    /// Returns true if it uses a connection of its own.
    pub fn new_connection(&self) -> bool {
        self.new_connection
    }

    /// Returns true if its right answer is known, so that bodies are compared.
    pub fn has_right_answer(&self) -> bool {
        self.right.is_some()
    }

    /// Classifies an answer.
    pub fn outcome(&self, status: StatusCode, body: &[u8], key: u64) -> Outcome {
        let Some(right) = &self.right else { return Outcome::Answered(status) };
        let as_wanted = right.status.is_none_or(|wanted| status.as_u16() == wanted);
        let holds = |text: &String| {
            let text = text.replace(KEY, &key.to_string());
            String::from_utf8_lossy(body).contains(&text)
        };
        // A refusal or a failure is told as that, whatever it says.
        let served = status.as_u16() < 400;
        let well = as_wanted && right.body.as_ref().is_none_or(holds);
        if served && !well { Outcome::Wrong } else { Outcome::Answered(status) }
    }

    /// One for a service in this process. The bytes of its body are shared, not copied, and `held`
    /// counts them for as long as the service holds them: a body that came from a socket would
    /// take that much memory.
    pub fn in_process(&self, key: u64, held: &BodyBytes) -> http::Request<Full<Bytes>> {
        self.with_body(Bytes::from_owner(Held::new(self.body.clone(), held)), key)
    }

    /// One to send.
    pub fn request(&self, key: u64) -> http::Request<Full<Bytes>> {
        self.with_body(self.body.clone(), key)
    }

    fn with_body(&self, body: Bytes, key: u64) -> http::Request<Full<Bytes>> {
        let mut request = http::Request::new(Full::new(body));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri(key);
        *request.headers_mut() = self.headers.clone();
        request
    }

    fn uri(&self, key: u64) -> Uri {
        let Some((path, _)) = &self.path else { return self.uri.clone() };
        // Digits in place of digits: as good a path as the one that was read.
        path.replace(KEY, &key.to_string()).parse().unwrap_or_else(|_| self.uri.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_spread_and_one_may_be_hot() {
        let keys = Keys { from: 5, to: 8, hot_percent: 50.0 };
        let draws = (0..4000_u64).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut counts = [0; 4];
        draws.for_each(|draw| counts[(keys.pick(draw) - 5) as usize] += 1);
        assert!((2400..2600).contains(&counts[0]), "{counts:?}");
        assert!(counts[1..].iter().all(|count| (400..600).contains(count)), "{counts:?}");
    }
}
