//! Traffic of a manifest: rate, kinds of requests and their shares, and what is right as an answer.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::context::Class;
use super::formula::{Formula, Values};

/// The traffic that every lane gets.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Load {
    /// Arrivals a second.
    pub rate_per_s: f64,
    /// Spacing of the arrivals.
    pub arrivals: Arrivals,
    /// Client timeout in milliseconds.
    pub client_timeout_ms: u64,
    /// The kinds of requests and their shares.
    #[serde(rename = "request")]
    pub requests: Vec<Request>,
}

impl Load {
    /// The weight of each kind of request at these values of the parameters; one that has none counts as 0.
    fn weights(&self, params: &Values) -> Vec<f64> {
        let weight = |request: &Request| request.weight.eval(params).unwrap_or_default().max(0.0);
        self.requests.iter().map(weight).collect()
    }

    /// The requests with their shares, which add up to 1, at these values of the parameters.
    pub fn kinds(&self, params: &Values) -> impl Iterator<Item = (f64, &Request)> {
        let weights = self.weights(params);
        let all = weights.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        weights.into_iter().map(move |weight| weight / all).zip(&self.requests)
    }

    /// The share of each kind of request in percent: `share_1`, `share_2` …
    pub fn shares(&self, params: &Values) -> Vec<(String, f64)> {
        let kinds = self.kinds(params).enumerate();
        kinds.map(|(i, (share, _))| (format!("share_{}", i + 1), share * 100.0)).collect()
    }

    /// Returns true if a weight is made from this parameter.
    pub fn depends_on(&self, param: &str) -> bool {
        self.requests.iter().any(|request| request.weight.names().iter().any(|name| name == param))
    }
}

/// Spacing of arrivals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Arrivals {
    /// At equal distances.
    Constant,
    /// At random, independent of one another.
    Poisson,
}

/// One kind of request.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The name of its kind; where kinds have names, figures are told by kind.
    #[serde(default)]
    pub name: Option<String>,
    /// Importance.
    #[serde(default)]
    pub class: Option<Class>,
    /// Whose request it is.
    #[serde(default)]
    pub tenant: Option<String>,
    /// Values for `{key}` in its path, drawn for each request.
    #[serde(default)]
    pub key: Option<Keys>,
    /// The answer that is right, where that is known: another one counts as wrong.
    #[serde(default)]
    pub answers: Option<RightAnswer>,
    /// True if each request uses a connection of its own, as from a new client.
    #[serde(default)]
    pub new_connection: bool,
    /// Its share among the kinds: a number, or a formula over parameters, so that phases can change it.
    pub weight: Formula,
    /// HTTP method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Headers by name.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// A body of this text.
    #[serde(default)]
    pub body: String,
    /// A body of this size, where its text does not matter.
    #[serde(default)]
    pub body_bytes: usize,
}

impl Request {
    /// A GET of this path, with the token that the service wants.
    pub fn get(path: &str) -> Self {
        Self {
            name: None,
            class: None,
            tenant: None,
            key: None,
            answers: None,
            new_connection: false,
            weight: Formula::number(1.0),
            method: "GET".to_owned(),
            path: path.to_owned(),
            headers: [("authorization".to_owned(), "Bearer demo-token".to_owned())].into(),
            body: String::new(),
            body_bytes: 0,
        }
    }
}

/// Keys that requests are about.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// The least key.
    #[serde(default)]
    pub from: u64,
    /// The greatest key.
    pub to: u64,
    /// Share of the requests that are about the least key, in percent; the others are spread evenly.
    #[serde(default)]
    pub hot_percent: f64,
}

/// The answer that is right.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RightAnswer {
    /// Its status; where absent, any.
    #[serde(default)]
    pub status: Option<u16>,
    /// A text that its body holds, `{key}` being the request's; where absent, any.
    #[serde(default)]
    pub body: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_follows_the_parameter_that_its_weight_is_made_from() {
        let text = "rate_per_s = 100\narrivals = 'constant'\nclient_timeout_ms = 1000\n\
            request = [{ weight = 'sale_weight', method = 'GET', path = '/a' },\
            { weight = 1, method = 'GET', path = '/b' }]";
        let load: Load = toml::from_str(text).expect("it is a load");
        let shares = |weight: f64| load.shares(&[("sale_weight".to_owned(), weight)].into());
        let percent =
            |weight: f64| shares(weight).into_iter().map(|(_, share)| share).collect::<Vec<_>>();
        assert_eq!((percent(0.0), percent(3.0)), (vec![0.0, 100.0], vec![75.0, 25.0]));
        assert!(load.depends_on("sale_weight") && !load.depends_on("sale"));
    }
}
