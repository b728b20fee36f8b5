//! Any set of bugs makes a chain, and a chain is what the service runs.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use firedrill_core::incident::env::{Env, Host};
use firedrill_core::incident::{Bugs, Slot};
use firedrill_core::service::log_file::log_file;
use firedrill_core::service::{base_chain, store};
use tower::ServiceExt;

use crate::common::catalogue;

fn bugs(list: &[(&str, &str)]) -> Bugs {
    list.iter().map(|(id, variant)| ((*id).to_owned(), (*variant).to_owned())).collect()
}

fn order(list: &[(&str, &str)]) -> Vec<Slot> {
    catalogue().chain(base_chain(), &bugs(list)).expect("bugs are known").order()
}

fn env() -> Env {
    Env::new(Host { cpus: 2, seed: 1 }, |code| panic!("the process ends with {code}"))
}

#[test]
fn bugs_are_patches_that_meet_in_one_chain() {
    use Slot::{Auth, Detach, Log, Metrics, Recover};
    assert_eq!(order(&[]), [Detach, Metrics, Recover, Auth, Log]);
    assert_eq!(order(&[("middleware-order", "broken")]), [Detach, Metrics, Recover, Log, Auth]);
    assert_eq!(order(&[("unbuffered-log-channel", "cancelled")]), [Metrics, Recover, Auth, Log]);
    let all = [
        ("middleware-order", "broken"),
        ("missing-recover", "rust"),
        ("unbuffered-log-channel", "cancelled"),
    ];
    assert_eq!(order(&all), [Metrics, Log, Auth]);
}

#[tokio::test]
async fn every_set_of_two_bugs_still_answers_a_good_request() {
    let all = catalogue().entries.iter().flat_map(|entry| {
        entry.manifest.variants.iter().map(|v| (entry.manifest.id.as_str(), v.name.as_str()))
    });
    let all: Vec<(&str, &str)> = all.collect();
    for first in &all {
        for second in &all {
            let env = env();
            let chain = catalogue().chain(base_chain(), &bugs(&[*first, *second]));
            let router = chain.expect("bugs are known").build(store::client(&env), &env);
            let request = Request::get("/orders/7").header("authorization", "Bearer demo-token");
            let request = request.body(Body::empty()).expect("a request");
            let response = router.oneshot(request).await.expect("never fails");
            assert_eq!(response.status(), StatusCode::OK, "{first:?} and {second:?}");
        }
    }
}

#[tokio::test]
async fn the_log_holds_the_secret_of_a_rejected_request_only_in_the_wrong_order() {
    for (variant, expected) in [("broken", 1), ("fixed", 0)] {
        let env = env();
        let chain = catalogue().chain(base_chain(), &bugs(&[("middleware-order", variant)]));
        let router = chain.expect("bugs are known").build(store::client(&env), &env);
        let rejected = Request::get("/orders/7?access_token=s3cret").body(Body::empty());
        let response = router.clone().oneshot(rejected.expect("a request")).await;
        assert_eq!(response.expect("never fails").status(), StatusCode::UNAUTHORIZED);
        let allowed = Request::get("/orders/8").header("authorization", "Bearer demo-token");
        let response = router.oneshot(allowed.body(Body::empty()).expect("a request")).await;
        assert_eq!(response.expect("never fails").status(), StatusCode::OK);

        let written = || log_file(&env).tail();
        while !written().iter().any(|line| line.request.ends_with("/orders/8")) {
            tokio::task::yield_now().await;
        }
        let secrets = written().iter().filter(|line| line.request.contains("s3cret")).count();
        assert_eq!(secrets, expected, "{variant}: {:?}", written());
    }
}
