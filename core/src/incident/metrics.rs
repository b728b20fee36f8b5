//! Every metric that code in the server registers, kept twice: series by series for the samples,
//! and by the Prometheus exporter for `/metrics`.
//!
//! The module that a `gauge!` or `counter!` stands in tells the incident it belongs to, so a
//! metric of an incident needs no other line to be shown. Who serves hands the recorder to the
//! `metrics` facade: for a thread, or for its whole process.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

// Where a pointer has 32 bits this is not the one of the standard library.
use metrics::atomics::AtomicU64;
use metrics::{
    Counter, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit,
};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use metrics_util::layers::FanoutBuilder;

use super::measure::selector;
use crate::event::Metric;

/// All metrics with all their series. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Registry(Arc<Mutex<RegistryState>>);

/// Modules, each with the incident that its metrics belong to.
pub type Owners = Vec<(&'static str, String)>;

#[derive(Debug, Default)]
struct RegistryState {
    owners: Owners,
    described: HashMap<String, Described>,
    registered: BTreeMap<String, Registered>,
    /// Number of code switches, shared by all gauges.
    code: Arc<AtomicU64>,
}

/// The description of a metric.
#[derive(Debug, Clone, Default)]
struct Described {
    /// The unit's label, empty for a count.
    unit: String,
    says: String,
    /// See [`Metric::highest`].
    highest: bool,
}

/// One metric: a value for each set of labels that it has had.
#[derive(Debug)]
struct Registered {
    /// In a fixed order: sums of fractions depend on it.
    series: BTreeMap<Key, Series>,
    form: Form,
    incident: String,
    announced: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Counter,
    Gauge,
    Histogram,
}

#[derive(Debug, Clone)]
enum Series {
    Counter(Arc<AtomicU64>),
    Gauge(Arc<Level>),
    Histogram(Arc<Observed>),
}

/// The value of a gauge, and which code has told it.
#[derive(Debug)]
struct Level {
    bits: AtomicU64,
    /// The code that was in force when the value was last set; none where it is only counted up and down,
    /// which is independent of the counting code.
    set_by: AtomicU64,
    in_force: Arc<AtomicU64>,
}

/// No code: the value has never been set.
const NOBODY: u64 = u64::MAX;

impl Level {
    fn new(in_force: &Arc<AtomicU64>) -> Self {
        let in_force = Arc::clone(in_force);
        Self { bits: AtomicU64::new(0), set_by: AtomicU64::new(NOBODY), in_force }
    }

    fn value(&self) -> f64 {
        f64::from_bits(self.bits.load(Ordering::Relaxed))
    }

    /// Returns true if the value still has an owner.
    fn is_told(&self) -> bool {
        let set_by = self.set_by.load(Ordering::Relaxed);
        set_by == NOBODY || set_by == self.in_force.load(Ordering::Relaxed)
    }

    fn add(&self, value: f64) {
        let add = |bits| Some((f64::from_bits(bits) + value).to_bits());
        // The function always gives a value, so this cannot fail.
        self.bits.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).ok();
    }
}

impl GaugeFn for Level {
    fn increment(&self, value: f64) {
        self.add(value);
    }

    fn decrement(&self, value: f64) {
        self.add(-value);
    }

    fn set(&self, value: f64) {
        self.bits.store(value.to_bits(), Ordering::Relaxed);
        self.set_by.store(self.in_force.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

/// Series of a metric that samples have one by one: a metric with more of them is sampled as a sum alone.
const MOST_LABELLED: usize = 8;

impl Registered {
    /// The values by label, where each series has one label and there are few of them.
    fn labelled(&self, name: &str) -> BTreeMap<String, f64> {
        let is_few = !self.incident.is_empty() && self.series.len() <= MOST_LABELLED;
        let mut values = BTreeMap::new();
        for (key, series) in self.series.iter().filter(|_| is_few) {
            let mut labels = key.labels();
            let (Some(label), None) = (labels.next(), labels.next()) else { continue };
            let value = match series {
                Series::Counter(count) => count.load(Ordering::Relaxed) as f64,
                Series::Gauge(level) if level.is_told() => level.value(),
                Series::Gauge(_) | Series::Histogram(_) => continue,
            };
            values.insert(format!("{name}{}", selector(label.key(), label.value())), value);
        }
        values
    }
}

/// Upper bounds of a histogram's buckets, in the metric's unit; above the last is one more.
const BUCKETS: [f64; 7] = [0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0];

/// Values observed by a histogram.
#[derive(Debug, Default)]
struct Observed {
    buckets: [AtomicU64; BUCKETS.len() + 1],
    /// The sum of the values, as bits.
    sum: AtomicU64,
}

impl HistogramFn for Observed {
    fn record(&self, value: f64) {
        let bucket = BUCKETS.partition_point(|bound| *bound < value);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        let add = |bits| Some((f64::from_bits(bits) + value).to_bits());
        // The function always gives a value, so this cannot fail.
        self.sum.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).ok();
    }
}

impl Observed {
    fn count(&self) -> f64 {
        self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).sum::<u64>() as f64
    }

    fn sum(&self) -> f64 {
        f64::from_bits(self.sum.load(Ordering::Relaxed))
    }
}

/// Metrics of a serving process.
#[derive(Debug, Clone)]
pub struct Telemetry {
    /// The values for the samples.
    pub registry: Registry,
    /// The text for `/metrics`.
    pub prometheus: PrometheusHandle,
}

impl Telemetry {
    /// A registry and an exporter, and the recorder that writes into both.
    ///
    /// # Errors
    ///
    /// When the exporter refuses its settings.
    pub fn new(owners: Owners) -> anyhow::Result<(Self, impl Recorder + Sync)> {
        let exporter = PrometheusBuilder::new().set_buckets(&BUCKETS)?.build_recorder();
        let prometheus = exporter.handle();
        let registry = Registry::new(owners);
        let both =
            FanoutBuilder::default().add_recorder(registry.clone()).add_recorder(exporter).build();
        Ok((Self { registry, prometheus }, both))
    }
}

impl Registry {
    /// A registry of the metrics that these modules register.
    pub fn new(owners: Owners) -> Self {
        Self(Arc::new(Mutex::new(RegistryState { owners, ..RegistryState::default() })))
    }

    fn lock(&self) -> MutexGuard<'_, RegistryState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Other code is about to be put in force: what a gauge of an incident was set to until now is no
    /// measurement any more. It is left out until somebody sets it again.
    pub fn other_code(&self) {
        self.lock().code.fetch_add(1, Ordering::Relaxed);
    }

    /// The values now, by name: of one with labels the sum or the highest of them, and, of an incident's counters and gauges
    /// with at most eight series, each by its label: `places_taken{tenant="a"}`.
    pub fn snapshot(&self) -> BTreeMap<String, f64> {
        let mut values = BTreeMap::new();
        let RegistryState { described, registered, .. } = &*self.lock();
        for (name, metric) in registered {
            values.extend(metric.labelled(name));
            let is_highest = described.get(name).is_some_and(|described| described.highest);
            let mut levels = 0.0_f64;
            let mut sum = 0.0;
            let (mut count, mut total) = (0.0, 0.0);
            let mut told = metric.series.is_empty();
            for series in metric.series.values() {
                match series {
                    Series::Counter(count) => sum += count.load(Ordering::Relaxed) as f64,
                    // The service's own code is always in force.
                    Series::Gauge(level) if !level.is_told() && !metric.incident.is_empty() => {
                        continue;
                    }
                    Series::Gauge(level) if is_highest && told => {
                        levels = levels.max(level.value());
                    }
                    Series::Gauge(level) if is_highest => levels = level.value(),
                    Series::Gauge(level) => sum += level.value(),
                    Series::Histogram(seen) => {
                        count += seen.count();
                        total += seen.sum();
                    }
                }
                told = true;
            }
            if !told {
                continue;
            }
            if metric.form == Form::Histogram {
                values.insert(format!("{name}_count"), count);
                // Finer than a millionth is the noise of adding fractions.
                values.insert(format!("{name}_sum"), (total * 1e6).round() / 1e6);
            } else {
                values.insert(name.clone(), sum + levels);
            }
        }
        values
    }

    /// Returns the number of series: one per metric name and combination of label values.
    pub fn series(&self) -> u64 {
        self.lock().registered.values().map(|metric| metric.series.len() as u64).sum()
    }

    /// The metrics registered since the last call.
    pub fn announce(&self) -> Vec<Metric> {
        let RegistryState { described, registered, .. } = &mut *self.lock();
        let mut new = Vec::new();
        for (name, metric) in registered.iter_mut().filter(|(_, metric)| !metric.announced) {
            metric.announced = true;
            let Described { unit, says, highest } =
                described.get(name).cloned().unwrap_or_default();
            let tell = |name: String, unit: &str, counter: bool| Metric {
                name,
                unit: unit.to_owned(),
                says: says.clone(),
                incident: metric.incident.clone(),
                counter,
                highest: highest && metric.form == Form::Gauge,
            };
            if metric.form == Form::Histogram {
                new.push(tell(format!("{name}_count"), "", true));
                new.push(tell(format!("{name}_sum"), &unit, true));
            } else {
                new.push(tell(name.clone(), &unit, metric.form == Form::Counter));
            }
        }
        new
    }

    /// Forgets all metrics, as a process that ends does; what they mean stays known.
    pub fn clear(&self) {
        self.lock().registered.clear();
    }

    /// Keeps what code says about a metric. Counts and bytes add up; a gauge in another unit, or in none,
    /// such as a ratio or a state, does not.
    fn describe(&self, key: &KeyName, unit: Option<Unit>, says: &SharedString) {
        let highest = !matches!(unit, Some(Unit::Count | Unit::Bytes));
        let unit = match unit {
            None | Some(Unit::Count) => "",
            Some(unit) => unit.as_canonical_label(),
        };
        let described = Described { unit: unit.to_owned(), says: says.to_string(), highest };
        self.lock().described.insert(key.as_str().to_owned(), described);
    }

    fn register(&self, key: &Key, metadata: &Metadata<'_>, form: Form) -> Series {
        let RegistryState { owners, registered, code, .. } = &mut *self.lock();
        if !registered.contains_key(key.name()) {
            let incident = owner(owners, metadata.module_path().unwrap_or_default());
            let metric = Registered { series: BTreeMap::new(), form, incident, announced: false };
            registered.insert(key.name().to_owned(), metric);
        }
        let new = || match form {
            Form::Histogram => Series::Histogram(Arc::default()),
            Form::Counter => Series::Counter(Arc::default()),
            Form::Gauge => Series::Gauge(Arc::new(Level::new(code))),
        };
        let Some(metric) = registered.get_mut(key.name()) else { return new() };
        metric.series.entry(key.clone()).or_insert_with(new).clone()
    }
}

/// The id of the incident that a module belongs to; empty for the service's own.
fn owner(owners: &Owners, module_path: &str) -> String {
    let within = |module: &str| {
        let rest = module_path.strip_prefix(module);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    };
    let found = owners.iter().find(|(module, _)| within(module));
    found.map_or_else(String::new, |(_, id)| id.clone())
}

impl Recorder for Registry {
    fn describe_counter(&self, key: KeyName, unit: Option<Unit>, says: SharedString) {
        self.describe(&key, unit, &says);
    }

    fn describe_gauge(&self, key: KeyName, unit: Option<Unit>, says: SharedString) {
        self.describe(&key, unit, &says);
    }

    fn describe_histogram(&self, key: KeyName, unit: Option<Unit>, says: SharedString) {
        self.describe(&key, unit, &says);
    }

    // A name that has another form already is kept in that one: nobody measures it here.

    fn register_counter(&self, key: &Key, metadata: &Metadata<'_>) -> Counter {
        match self.register(key, metadata, Form::Counter) {
            Series::Counter(value) => Counter::from_arc(value),
            Series::Gauge(_) | Series::Histogram(_) => Counter::noop(),
        }
    }

    fn register_gauge(&self, key: &Key, metadata: &Metadata<'_>) -> Gauge {
        match self.register(key, metadata, Form::Gauge) {
            Series::Gauge(level) => Gauge::from_arc(level),
            Series::Counter(_) | Series::Histogram(_) => Gauge::noop(),
        }
    }

    fn register_histogram(&self, key: &Key, metadata: &Metadata<'_>) -> Histogram {
        match self.register(key, metadata, Form::Histogram) {
            Series::Histogram(seen) => Histogram::from_arc(seen),
            Series::Counter(_) | Series::Gauge(_) => Histogram::noop(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::event::ServerSample;

    #[test]
    fn what_code_has_set_that_is_no_longer_in_force_is_no_measurement() {
        let registry = Registry::new(vec![(module_path!(), "an-incident".to_owned())]);
        let names = |registry: &Registry| registry.snapshot().into_keys().collect::<Vec<_>>();
        metrics::with_local_recorder(&registry, || {
            let depth = metrics::gauge!("depth");
            depth.set(3.0);
            metrics::gauge!("waiting").increment(2.0);
            metrics::counter!("lost").increment(1);
            assert_eq!(names(&registry), ["depth", "lost", "waiting"]);
            registry.other_code();
            assert_eq!(names(&registry), ["lost", "waiting"]);
            // The old code still drains, and says so.
            depth.set(2.0);
            assert_eq!(registry.snapshot().get("depth"), Some(&2.0));
        });
        let own = Registry::default();
        metrics::with_local_recorder(&own, || metrics::gauge!("busy").set(1.0));
        own.other_code();
        assert_eq!(names(&own), ["busy"]);
    }

    #[test]
    fn samples_an_incidents_metric_by_label_while_it_has_few_series() {
        let registry = Registry::new(vec![(module_path!(), "an-incident".to_owned())]);
        metrics::with_local_recorder(&registry, || {
            metrics::gauge!("taken", "tenant" => "a").set(2.0);
            metrics::gauge!("taken", "tenant" => "b").set(3.0);
            let few = registry.snapshot();
            assert_eq!(few.get("taken{tenant=\"a\"}"), Some(&2.0));
            assert_eq!((few.get("taken"), few.len()), (Some(&5.0), 3));
            for tenant in 0..MOST_LABELLED {
                metrics::gauge!("taken", "tenant" => tenant.to_string()).set(1.0);
            }
            assert_eq!(registry.snapshot().into_keys().collect::<Vec<_>>(), ["taken"]);
        });
    }

    #[test]
    fn knows_value_unit_and_incident_of_a_metric() {
        let registry = Registry::default();
        metrics::with_local_recorder(&registry, || {
            metrics::describe_gauge!("depth", Unit::Bytes, "how deep");
            metrics::gauge!("depth").set(2.5);
            metrics::counter!("drops").increment(3);
            metrics::counter!("drops").increment(4);
            metrics::counter!("labelled", "path" => "/a").increment(1);
            metrics::counter!("labelled", "path" => "/b").increment(2);
            metrics::histogram!("took").record(0.25);
            metrics::histogram!("took").record(0.5);
        });
        let expected = [
            ("depth", 2.5),
            ("drops", 7.0),
            ("labelled", 3.0),
            ("took_count", 2.0),
            ("took_sum", 0.75),
        ];
        assert_eq!(registry.snapshot(), expected.map(|(n, v)| (n.to_owned(), v)).into());
        assert_eq!(registry.series(), 5);
        let announced = registry.announce();
        assert_eq!(announced.len(), 5);
        assert_eq!((announced[0].unit.as_str(), announced[0].says.as_str()), ("B", "how deep"));
        assert!(announced[1].counter);
        assert_eq!(registry.announce(), []);
        let owners = vec![("pack::pool_leak", "pool-leak".to_owned())];
        let owner = |module| owner(&owners, module);
        assert_eq!(owner("pack::pool_leak::broken"), "pool-leak");
        assert_eq!(owner("pack::pool_leak"), "pool-leak");
        assert_eq!(owner("pack::pool_leaks") + &owner("firedrill_core::service::store"), "");
    }

    #[test]
    fn ratios_and_durations_are_not_added() {
        let own = Registry::default();
        metrics::with_local_recorder(&own, || {
            metrics::describe_gauge!("waiting", Unit::Count, "requests that wait");
            metrics::describe_gauge!("ratio", "commands for one call");
            metrics::describe_gauge!("oldest_ms", Unit::Milliseconds, "the longest wait");
            for (tenant, value) in [("a", 3.0), ("b", 2.0)] {
                for name in ["waiting", "ratio", "oldest_ms"] {
                    metrics::gauge!(name, "tenant" => tenant).set(value);
                }
            }
        });
        let metrics = own.snapshot();
        let values = ["waiting", "ratio", "oldest_ms"].map(|name| metrics[name]);
        assert_eq!(values.map(|value| value.to_string()), ["5", "3", "3"]);

        let announced = own.announce();
        let highest = announced.into_iter().filter(|metric| metric.highest);
        let highest: BTreeSet<String> = highest.map(|metric| metric.name).collect();
        let mut all = ServerSample { metrics, ..ServerSample::default() };
        let more = ["waiting", "ratio", "ratio{tenant=\"a\"}"].map(|name| (name.to_owned(), 4.0));
        all.add(ServerSample { metrics: more.into(), ..ServerSample::default() }, &highest);
        let values =
            ["waiting", "ratio", "ratio{tenant=\"a\"}", "oldest_ms"].map(|n| all.metrics[n]);
        assert_eq!(values.map(|value| value.to_string()), ["9", "4", "4", "3"]);
    }
}
