//! The words.

use super::Term;

/// All words, in no order that matters.
pub(super) static TERMS: &[Term] = &[
    Term {
        name: "task",
        also: &["tasks"],
        says: "A unit of work that the async runtime can suspend while it waits, and resume later. In Go: a goroutine. \
               A request in a server is one task, or several.",
    },
    Term {
        name: "open loop",
        also: &[],
        says: "Requests arrive at their own rate, whether or not earlier ones were answered, as from many independent \
               customers. In a closed loop each client waits for its answer before it sends the next request, which \
               hides an overload.",
    },
    Term { name: "in flight", also: &[], says: "Sent and not yet answered." },
    Term {
        name: "Little's law",
        also: &[],
        says: "Average number in the system = arrival rate × average time in the system. It holds for queues, servers \
               and pools, in any order of service.",
    },
    Term {
        name: "p99",
        also: &[],
        says: "The 99th percentile: 99 of 100 requests are faster. A request without an answer counts with its client's \
               timeout.",
    },
    Term {
        name: "median",
        also: &[],
        says: "The 50th percentile: half of the requests are faster.",
    },
    Term {
        name: "goodput",
        also: &[],
        says: "Useful work per second: answers that arrive in time. Throughput also counts work whose result nobody \
               waits for.",
    },
    Term {
        name: "back-pressure",
        also: &[],
        says: "A full queue makes its senders wait, or rejects their data. Without it the queue grows until memory runs \
               out.",
    },
    Term {
        name: "channel",
        also: &[],
        says: "A queue between tasks. A send waits while the channel is full; an unbuffered channel is full whenever \
               the receiver is busy.",
    },
    Term {
        name: "buffer",
        also: &[],
        says: "Room for values that were sent and not yet received. It absorbs bursts; it adds no capacity.",
    },
    Term {
        name: "writer",
        also: &[],
        says: "The single task that takes log lines from the channel and writes them.",
    },
    Term {
        name: "cap",
        also: &[],
        says: "The memory limit. At it the process is killed, as a container would be.",
    },
    Term {
        name: "supervisor",
        also: &[],
        says: "Restarts a process that has ended: systemd, Kubernetes, here firedrill itself. It waits longer after \
               each crash in a row (crash-loop backoff).",
    },
    Term {
        name: "panic",
        also: &["panics", "panicked"],
        says: "The reaction of a program to an error that it did not foresee: the function ends, then its caller, and \
               so on up the stack, until something recovers.",
    },
    Term {
        name: "recover",
        also: &["recovers", "recovering"],
        says: "Here: to become healthy again. Of a panic: to catch it and continue.",
    },
    Term {
        name: "poisoned",
        also: &[],
        says: "Of a lock: its holder panicked, so the protected data may be half changed. In Rust every later `lock()` \
               returns an error.",
    },
    Term {
        name: "structured concurrency",
        also: &[],
        says: "A task cannot outlive the scope that started it, and its failure is handled there.",
    },
    Term {
        name: "layer",
        also: &["layers", "middleware", "middlewares", "wrapper"],
        says: "Code around a handler. It sees each request before the handler and each answer after it. The outermost \
               layer sees a request first.",
    },
    Term {
        name: "audit",
        also: &[],
        says: "A record of who was admitted and who was rejected, separate from the log.",
    },
    Term {
        name: "pool",
        also: &[],
        says: "Connections that are kept open and lent to one request at a time. If all are in use, the next request \
               waits.",
    },
    Term {
        name: "guard",
        also: &[],
        says: "A value that returns a resource when it goes out of scope, on every path. In Rust its Drop does that; in \
               Go you write defer.",
    },
    Term {
        name: "timeout",
        also: &[],
        says: "A limit on a wait: the caller gets an error when the time is over.",
    },
    Term {
        name: "canary",
        also: &["canaries"],
        says: "An instance that gets a release before the others, to see whether it works.",
    },
    Term {
        name: "instance",
        also: &["instances"],
        says: "One of several processes of the same service, which share its requests.",
    },
    Term {
        name: "store",
        also: &[],
        says: "The simulated database of the demo service. It works on a fixed number of commands at once; the others \
               queue.",
    },
    Term {
        name: "retry",
        also: &["retries"],
        says: "To repeat a failed call, in the hope that the failure was temporary.",
    },
    Term {
        name: "metastable failure",
        also: &[],
        says: "An outage that sustains itself after its trigger is gone, for example by retries.",
    },
    Term {
        name: "amplification",
        also: &[],
        says: "Calls to a dependency per request of the service. Retries raise it above one.",
    },
    Term {
        name: "budget",
        also: &[],
        says: "A limit on all retries together, as a share of the calls, for example a tenth. It holds even if \
               everything fails; a limit per call does not.",
    },
    Term {
        name: "backoff",
        also: &[],
        says: "A delay before a retry, usually doubled each time (exponential backoff).",
    },
    Term {
        name: "jitter",
        also: &[],
        says: "A random part of a delay, so that clients do not retry at the same moment.",
    },
    Term {
        name: "deadline",
        also: &[],
        says: "The time after which the result of a call is of no use. It limits all attempts together.",
    },
    Term {
        name: "cardinality",
        also: &[],
        says: "The number of series of a metric: one per combination of label values.",
    },
    Term {
        name: "series",
        also: &[],
        says: "One metric with one combination of label values. Each is kept in memory and scraped separately.",
    },
    Term {
        name: "label",
        also: &["labels", "labelled"],
        says: "A name and a value that distinguish the series of a metric: method = GET. Each new value creates a new \
               series.",
    },
    Term {
        name: "counter",
        also: &["counters"],
        says: "A metric that only increases. Counters of several instances can be added; the growth of a counter is a \
               rate.",
    },
    Term { name: "gauge", also: &[], says: "A metric that goes up and down: a level." },
    Term {
        name: "route",
        also: &["routes"],
        says: "A pattern of paths that one handler serves, such as /orders/{id}.",
    },
    Term {
        name: "blast radius",
        also: &[],
        says: "The part of a system that a fault can affect, in an experiment or in an outage.",
    },
    Term {
        name: "feature flag",
        also: &[],
        says: "A setting that switches code on or off in a running process, without a deployment.",
    },
    Term {
        name: "post-mortem",
        also: &[],
        says: "A report about an outage: what happened, why, and what to change. The one that firedrill replays is \
               about an order service in Go; each incident is a part of it, or of its advice.",
    },
    Term {
        name: "token bucket",
        also: &[],
        says: "A limit on a rate. Tokens fall into a bucket at a steady rate, up to its size; each request takes one, \
               and is refused if there is none. The size of the bucket is the largest burst.",
    },
    Term {
        name: "load shedding",
        also: &[],
        says: "To refuse some requests at once, so that the others are answered in time.",
    },
    Term {
        name: "utilization",
        also: &[],
        says: "The share of its capacity that a resource uses: arrival rate divided by the highest rate that it can \
               serve.",
    },
    Term {
        name: "circuit breaker",
        also: &["breaker"],
        says: "Code around the calls to a dependency. It counts errors, and lets calls through or refuses them, \
               depending on its state.",
    },
    Term {
        name: "single-flight",
        also: &[],
        says: "Of all who want the same thing at the same time one gets it, and the others wait for that result.",
    },
    Term {
        name: "hit rate",
        also: &[],
        says: "Share of the reads that find an entry in a cache. The others are misses.",
    },
    Term {
        name: "circuit breaker",
        also: &["circuit breakers"],
        says: "Stands in front of a dependency. Closed, it passes all calls. If too many fail it opens, and refuses \
               calls at once. After a while it is half-open: a few calls find out whether it may close.",
    },
    Term {
        name: "bulkhead",
        also: &[],
        says: "A part of what all share that one kind of work has to itself, so that another kind cannot use up \
               everything. Named after the walls inside a ship.",
    },
    Term {
        name: "cooldown",
        also: &[],
        says: "Time after an order in which no other one is given, so that the effect of the first can be seen.",
    },
];
