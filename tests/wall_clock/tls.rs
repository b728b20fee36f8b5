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
    // An open connection stays usable: a request fails only where its client needed one connection more, as it does on a
    // busy machine, when the one before is still under way.
    assert_eq!(Some(broken.requests.failed), expired, "{:?}", broken.requests);
    let connected = &broken.kinds["connected before"].requests;
    assert_eq!(connected.timed_out, 0, "{connected:?}");
    assert!(20 * connected.failed <= connected.ok, "{connected:?}");
    assert!(fixed.requests.handshakes.is_empty(), "{:?}", fixed.requests);
    assert!(fixed.kinds["new client"].requests.ok > 200, "{:?}", fixed.kinds["new client"]);
}
