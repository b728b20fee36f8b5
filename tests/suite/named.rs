//! Tests that every incident has, each by its own name: one that fails hides no other.

/// A test for each incident, by its name, that gives its id to a function; and one that fails when an incident
/// has none.
macro_rules! each_incident {
    ($check:path) => {
        each_incident! { $check:
            unbuffered_log_channel canary_too_small missing_recover middleware_order pool_leak retry_storm
            unbounded_queue no_priority fixed_timeout hot_resource noisy_neighbour no_circuit_breaker cache_avalanche autoscale_on_cpu perfect_storm metric_cardinality context_key_clash one_switch open_by_default silent_log chaos_left_on
            expired_certificate version_skew
        }
    };
    ($check:path: $($incident:ident)*) => {
        $(#[tokio::test]
        async fn $incident() {
            $check(&stringify!($incident).replace('_', "-")).await;
        })*

        #[test]
        fn no_incident_is_left_out() {
            let tested = [$(stringify!($incident).replace('_', "-")),*];
            let known: Vec<&str> = crate::common::catalogue().ids().collect();
            assert_eq!(tested.each_ref().map(String::as_str), known[..]);
        }
    };
}
