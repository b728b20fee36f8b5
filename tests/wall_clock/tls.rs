//! Lanes that speak TLS, live: who is trusted, and why somebody is not.

use std::time::Duration;

use firedrill::commands::run::measure;

use crate::alone;
use crate::common::{planned, spec};

#[tokio::test]
async fn a_certificate_that_expires_turns_new_clients_away_with_its_reason_and_no_others() {
    let _alone = alone();
    let spec = planned(spec("expired-certificate", &["broken", "fixed"]), |plan| {
        plan.set_duration(Duration::from_secs(10));
    });
    let report = measure(spec, None).await.expect("it runs").report;
    let [broken, fixed] = &report.lanes[..] else { panic!("two lanes") };
    let expired = broken.requests.handshakes.get("certificate expired").copied();
    assert!(expired.unwrap_or_default() > 20, "{:?}", broken.requests);
    assert_eq!(broken.requests.handshakes.len(), 1, "{:?}", broken.requests);
    let connected = &broken.kinds["connected before"].requests;
    // A machine that is busy makes a request wait for the one before; then its client needs one connection more, and is
    // a new client with that.
    let further = connected.failed + connected.timed_out;
    assert!(20 * further <= connected.ok, "{further} of the connected clients: {connected:?}");
    assert!(fixed.requests.handshakes.is_empty(), "{:?}", fixed.requests);
    assert!(fixed.kinds["new client"].requests.ok > 200, "{:?}", fixed.kinds["new client"]);
}
