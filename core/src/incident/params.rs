//! The service's own parameters, which every incident's phases may turn. A manifest that names one
//! gives it another start.

/// A parameter of the service.
#[derive(Debug, Clone, Copy)]
pub struct ServiceParam {
    /// Its name.
    pub name: &'static str,
    /// Initial value.
    pub start: f64,
    /// Its unit; empty for a plain number.
    pub unit: &'static str,
    /// The greatest value allowed; the least is 0.
    pub max: f64,
    /// Description.
    pub says: &'static str,
}

const fn param(
    name: &'static str,
    (start, max): (f64, f64),
    unit: &'static str,
    says: &'static str,
) -> ServiceParam {
    ServiceParam { name, start, unit, max, says }
}

/// All of them.
pub const ALL: &[ServiceParam] = &[
    param("log_write_ms", (0.0, 1000.0), "ms", "how long the log's one writer takes for a line"),
    param("store_ms", (1.0, 60_000.0), "ms", "how long the store takes for a command, on average"),
    param("store_spread_percent", (0.0, 100.0), "%", "how much of that time is drawn at random"),
    param("store_error_percent", (0.0, 100.0), "%", "share of the store's commands that fail"),
    param("store_hang_percent", (0.0, 100.0), "%", "share of the store's commands that hang"),
    param("store_hang_ms", (60_000.0, 600_000.0), "ms", "how long a hanging command hangs"),
    param(
        "store_panic_percent",
        (0.0, 100.0),
        "%",
        "share of the store's replies that panic the client's code",
    ),
    param("store_capacity", (0.0, 10_000.0), "", "commands that the store carries at once; 0: all"),
    param(
        "store_cut",
        (0.0, 1.0),
        "",
        "1: an open circuit breaker cuts the store off; calls fail at once",
    ),
    param("store_queue", (0.0, 100_000.0), "", "commands that wait for the store; 0: all"),
    param("cache_ms", (0.0, 60_000.0), "ms", "how long the cache takes for a command, on average"),
    param("cache_spread_percent", (0.0, 100.0), "%", "how much of that time is drawn at random"),
    param("cache_error_percent", (0.0, 100.0), "%", "share of the cache's commands that fail"),
    param("cache_hang_percent", (0.0, 100.0), "%", "share of the cache's commands that hang"),
    param("cache_hang_ms", (60_000.0, 600_000.0), "ms", "how long a hanging command hangs"),
    param(
        "cache_panic_percent",
        (0.0, 100.0),
        "%",
        "share of the cache's replies that panic the client's code",
    ),
    param("cache_capacity", (0.0, 10_000.0), "", "commands that the cache carries at once; 0: all"),
    param(
        "client_cancels",
        (0.0, 1.0),
        "",
        "1: a client that hangs up cancels its request, as Rust does by default",
    ),
    param("chaos_latency_percent", (0.0, 100.0), "%", "share of the requests held up on purpose"),
    param("chaos_latency_from_ms", (100.0, 60_000.0), "ms", "how long those are held up, at least"),
    param("chaos_latency_to_ms", (2000.0, 60_000.0), "ms", "how long those are held up, at most"),
    param("chaos_error_percent", (0.0, 100.0), "%", "share of the requests failed on purpose"),
    param("chaos_error_status", (500.0, 599.0), "", "the status of those"),
    param("chaos_marked", (0.0, 1.0), "", "1: only requests with the header x-chaos"),
    param("chaos_most", (1000.0, 1000.0), "", "requests held up at once on purpose, at most"),
    param(
        "cache_cut",
        (0.0, 1.0),
        "",
        "1: an open circuit breaker cuts the cache off; calls fail at once",
    ),
    param("cache_queue", (0.0, 100_000.0), "", "commands that wait for the cache; 0: all"),
];

/// The parameter of this name.
pub fn find(name: &str) -> Option<&'static ServiceParam> {
    ALL.iter().find(|param| param.name == name)
}

/// Returns the initial value; 0 for an unknown name.
pub fn start(name: &str) -> f64 {
    find(name).map_or(0.0, |param| param.start)
}
