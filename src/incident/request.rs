//! A request of a manifest, ready to be sent.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{HOST, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Uri};

use super::manifest;

/// A request, ready to be sent any number of times.
#[derive(Debug, Clone)]
pub struct Prepared {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
}

/// Prepares a request of a manifest.
///
/// # Errors
///
/// When HTTP does not allow its method, path or a header.
pub fn build(request: &manifest::Request) -> Result<Prepared, String> {
    let method = request.method.parse::<Method>();
    let method = method.map_err(|_| format!("method `{}`", request.method))?;
    if !request.path.starts_with('/') {
        return Err(format!("path `{}`: expected to begin with `/`", request.path));
    }
    let uri = request.path.parse::<Uri>();
    let uri = uri.map_err(|e| format!("path `{}`: {e}", request.path))?;
    let mut headers = HeaderMap::new();
    headers.insert(HOST, HeaderValue::from_static("localhost"));
    for (name, value) in &request.headers {
        let name: HeaderName = name.parse().map_err(|e| format!("header `{name}`: {e}"))?;
        let value: HeaderValue = value.parse().map_err(|e| format!("header `{name}`: {e}"))?;
        headers.insert(name, value);
    }
    let body = if request.body.is_empty() {
        Bytes::from(vec![b'x'; request.body_bytes])
    } else {
        Bytes::from(request.body.clone())
    };
    Ok(Prepared { method, uri, headers, body })
}

/// Prepares the requests of a manifest; their weights add up to `share`.
///
/// # Errors
///
/// When HTTP does not allow one, which a validated manifest excludes.
pub fn prepare(
    requests: &[manifest::Request],
    share: f64,
) -> Result<Vec<(f64, Arc<Prepared>)>, String> {
    let sum: f64 = requests.iter().map(|request| request.weight).sum();
    requests.iter().map(|r| Ok((r.weight / sum * share, Arc::new(build(r)?)))).collect()
}

impl Prepared {
    /// One for a service in this process: its body is a copy, as what comes from a socket is, and
    /// takes as much memory.
    pub fn in_process(&self) -> hyper::Request<Full<Bytes>> {
        self.with_body(Bytes::copy_from_slice(&self.body))
    }

    /// One to send.
    pub fn request(&self) -> hyper::Request<Full<Bytes>> {
        self.with_body(self.body.clone())
    }

    fn with_body(&self, body: Bytes) -> hyper::Request<Full<Bytes>> {
        let mut request = hyper::Request::new(Full::new(body));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        request
    }
}
