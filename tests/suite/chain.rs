//! Any set of bugs makes a chain, and a chain is what the service runs.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use firedrill_core::incident::Bugs;
use firedrill_core::incident::cpu::Work;
use firedrill_core::incident::env::{Env, Host};
use firedrill_core::service::log_file::log_file;
use firedrill_core::service::{base_chain, store};
use tower::ServiceExt;

use crate::common::catalogue;

fn bugs(list: &[(&str, &str)]) -> Bugs {
    list.iter().map(|(id, variant)| ((*id).to_owned(), (*variant).to_owned())).collect()
}

fn order(list: &[(&str, &str)]) -> Vec<&'static str> {
    let chain = catalogue().chain(base_chain(), &bugs(list)).expect("bugs are known");
    chain.around_routes().iter().map(|layer| layer.slot).collect()
}

fn env() -> Env {
    Env::new(Host { cpus: 2, seed: 1, instance: 0, work: Work::Simulated }, |code| {
        panic!("the process ends with {code}")
    })
}

#[test]
fn a_chain_is_the_base_and_the_layers_of_what_is_in_play_and_no_others() {
    assert_eq!(order(&[]), ["detach", "metrics", "recover", "auth", "log"]);
    let wrong = ["detach", "metrics", "recover", "log", "auth"];
    assert_eq!(order(&[("middleware-order", "broken")]), wrong);
    let cancelled = [("unbuffered-log-channel", "cancelled")];
    assert_eq!(order(&cancelled), ["metrics", "recover", "auth", "log"]);
    let all = [
        ("middleware-order", "broken"),
        ("missing-recover", "rust"),
        ("unbuffered-log-channel", "cancelled"),
    ];
    assert_eq!(order(&all), ["metrics", "log", "auth"]);
    let owners = |list| -> Vec<String> {
        let chain = catalogue().chain(base_chain(), &bugs(list)).expect("bugs are known");
        let all = chain.around_routes().into_iter().chain(chain.around_store());
        all.map(|layer| layer.owner).filter(|owner| owner != "service").collect()
    };
    assert_eq!(owners(&[]), Vec::<String>::new());
    assert_eq!(owners(&[("pool-leak", "fixed")]), ["pool-leak"]);
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
