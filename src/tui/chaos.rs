//! Faults that can be injected in all lanes, as switches.

use firedrill_core::incident::params;
use firedrill_core::script::Control;
use firedrill_core::session::Session;

/// The switches: a text, and the parameters that it sets.
pub const FAULTS: [(&str, &[(&str, f64)]); 7] = [
    (
        "delay 10 % of the requests by 0.1 to 2 s",
        &[
            ("chaos_latency_percent", 10.0),
            ("chaos_latency_from_ms", 100.0),
            ("chaos_latency_to_ms", 2000.0),
        ],
    ),
    (
        "delay every request by 0.5 s",
        &[
            ("chaos_latency_percent", 100.0),
            ("chaos_latency_from_ms", 500.0),
            ("chaos_latency_to_ms", 500.0),
        ],
    ),
    ("fail 5 % of the requests with 500", &[("chaos_error_percent", 5.0)]),
    ("fail 50 % of the requests with 500", &[("chaos_error_percent", 50.0)]),
    ("blast radius: hold up at most 20 at once", &[("chaos_most", 20.0)]),
    ("blast radius: hold up at most 5 at once", &[("chaos_most", 5.0)]),
    ("only requests that carry the header x-chaos", &[("chaos_marked", 1.0)]),
];

/// Returns true if the fault with this number is injected now.
pub fn is_on(session: &Session, fault: usize) -> bool {
    let now = session.track().head.param_history.now();
    FAULTS[fault].1.iter().all(|(name, value)| now.get(*name) == Some(value))
}

/// The command that switches the fault with this number on, or off again.
pub fn toggle(session: &Session, fault: usize) -> Control {
    let on = is_on(session, fault);
    let value = |name: &str, value: f64| if on { params::start(name) } else { value };
    let set = FAULTS[fault].1.iter().map(|(name, to)| ((*name).to_owned(), value(name, *to)));
    Control::SetParams(set.collect())
}
