//! Code shared by the variants: a library in three versions, its installation, and the page that uses it.

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};

use firedrill_core::incident::client::{StoreClient, StoreCommand, StoreRequest};
use firedrill_core::incident::{Context, Env};

/// The orders of some hours.
#[derive(Debug, Clone, Copy)]
pub struct Bucket {
    pub orders: f64,
    pub sum: f64,
}

const fn bucket(orders: f64, sum: f64) -> Bucket {
    Bucket { orders, sum }
}

/// Morning and evening, of two shops. Elm Street sells little in the morning, Oak Lane as much as in
/// the evening.
pub const ELM: [Bucket; 2] = [bucket(10.0, 200.0), bucket(90.0, 900.0)];
pub const OAK: [Bucket; 2] = [bucket(50.0, 1000.0), bucket(50.0, 500.0)];

/// The library `totals`, in one of its versions.
pub struct Totals {
    pub version: &'static str,
    /// The version as a number: 1.4.2 is 1.42.
    number: f64,
    pub mean: fn(&[Bucket]) -> f64,
}

/// Published versions, oldest first. Each has a release note; that of 1.5.0 says: `mean` is faster.
static INDEX: [Totals; 3] = [
    Totals { version: "1.4.2", number: 1.42, mean: mean_of_orders },
    Totals { version: "1.4.3", number: 1.43, mean: mean_of_orders },
    Totals { version: "1.5.0", number: 1.50, mean: mean_of_means },
];

/// The sum of all orders by their number.
fn mean_of_orders(buckets: &[Bucket]) -> f64 {
    let orders: f64 = buckets.iter().map(|bucket| bucket.orders).sum();
    buckets.iter().map(|bucket| bucket.sum).sum::<f64>() / orders
}

/// The mean of the buckets' means, whatever stands in each.
fn mean_of_means(buckets: &[Bucket]) -> f64 {
    let means = buckets.iter().map(|bucket| bucket.sum / bucket.orders);
    means.sum::<f64>() / buckets.len() as f64
}

/// Installs the newest version that starts with `wanted` (`totals_newest` is the newest published one).
pub fn install_totals(env: &Env, wanted: &str) -> &'static Totals {
    let newest = (env.param("totals_newest", 2.0).get() as usize).min(INDEX.len() - 1);
    let fitting = INDEX[..=newest].iter().rev().find(|totals| totals.version.starts_with(wanted));
    fitting.unwrap_or(&INDEX[0])
}

/// Tells what is counted; each form calls it.
pub fn describe(env: &Env) {
    struct Described;
    env.shared(|| {
        describe_gauge!("totals_version", "the library's version: 1.4.2 is 1.42");
        describe_gauge!("totals_elm", "the mean order of Elm Street, as last told");
        describe_counter!("totals_answers", Unit::Count, "means that were told");
        describe_counter!("versions_refused", Unit::Count, "versions that were refused");
        counter!("totals_answers").increment(0);
        counter!("versions_refused").increment(0);
        Described
    });
}

/// Shows which version is wanted, by a line such as `totals 1.4.2`.
pub fn tell_wanted(line: &str) {
    describe_gauge!("totals_wanted", "the version that somebody wrote down");
    let wanted = INDEX.iter().find(|totals| line.ends_with(totals.version));
    gauge!("totals_wanted").set(wanted.map_or(0.0, |totals| totals.number));
}

/// The page: the mean order of a shop.
pub async fn mean(
    State(totals): State<&'static Totals>,
    Path(shop): Path<String>,
    Extension(store): Extension<StoreClient>,
    Extension(context): Extension<Context>,
) -> Response {
    let command = StoreCommand::Get(0);
    if let Err(error) = store.ask(StoreRequest { command, context }).await {
        return (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response();
    }
    let buckets = match shop.as_str() {
        "elm" => &ELM,
        "oak" => &OAK,
        _ => return (StatusCode::NOT_FOUND, "no such shop\n").into_response(),
    };
    let mean = (totals.mean)(buckets);
    gauge!("totals_version").set(totals.number);
    counter!("totals_answers").increment(1);
    if shop == "elm" {
        gauge!("totals_elm").set(mean);
    }
    format!("mean {mean:.2}\n").into_response()
}
