//! Every metric that code in the server registers, kept twice: by name for the samples, and by
//! the Prometheus exporter for `/metrics`.
//!
//! The module that a `gauge!` or `counter!` stands in tells the incident it belongs to, so a
//! metric of an incident needs no other line to be shown.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use metrics_util::layers::FanoutBuilder;

use crate::event::Metric;

/// The metrics without labels, by name. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Registry(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    described: HashMap<String, (String, String)>,
    registered: BTreeMap<String, Registered>,
}

#[derive(Debug)]
struct Registered {
    value: Arc<AtomicU64>,
    counter: bool,
    incident: String,
    announced: bool,
}

/// What a process that serves keeps of its metrics.
#[derive(Debug, Clone)]
pub struct Telemetry {
    /// The values for the samples.
    pub registry: Registry,
    /// The text for `/metrics`.
    pub prometheus: PrometheusHandle,
}

impl Telemetry {
    /// Makes this process's `metrics` facade write into a new registry and exporter.
    ///
    /// # Errors
    ///
    /// When the process has a recorder already, or the exporter refuses its settings.
    pub fn install() -> anyhow::Result<Self> {
        let exporter = PrometheusBuilder::new()
            .set_buckets(&[0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0])?
            .build_recorder();
        let prometheus = exporter.handle();
        let registry = Registry::default();
        let both =
            FanoutBuilder::default().add_recorder(registry.clone()).add_recorder(exporter).build();
        metrics::set_global_recorder(both)
            .map_err(|_| anyhow::anyhow!("this process has a metrics recorder already"))?;
        Ok(Self { registry, prometheus })
    }
}

impl Registry {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The values now, by name.
    pub fn snapshot(&self) -> BTreeMap<String, f64> {
        let inner = self.lock();
        let value = |metric: &Registered| {
            let bits = metric.value.load(Ordering::Relaxed);
            if metric.counter { bits as f64 } else { f64::from_bits(bits) }
        };
        inner.registered.iter().map(|(name, metric)| (name.clone(), value(metric))).collect()
    }

    /// The metrics registered since the last call.
    pub fn announce(&self) -> Vec<Metric> {
        let Inner { described, registered } = &mut *self.lock();
        let new = registered.iter_mut().filter(|(_, metric)| !metric.announced);
        new.map(|(name, metric)| {
            metric.announced = true;
            let (unit, says) = described.get(name).cloned().unwrap_or_default();
            Metric {
                name: name.clone(),
                unit,
                says,
                incident: metric.incident.clone(),
                counter: metric.counter,
            }
        })
        .collect()
    }

    /// Forgets all metrics, as a process that ends does; what they mean stays known.
    pub fn clear(&self) {
        self.lock().registered.clear();
    }

    fn describe(&self, key: &KeyName, unit: Option<Unit>, says: &SharedString) {
        let unit = match unit {
            None | Some(Unit::Count) => "",
            Some(unit) => unit.as_canonical_label(),
        };
        let entry = (unit.to_owned(), says.to_string());
        self.lock().described.insert(key.as_str().to_owned(), entry);
    }

    fn register(&self, key: &Key, metadata: &Metadata<'_>, counter: bool) -> Arc<AtomicU64> {
        let mut inner = self.lock();
        let registered = inner.registered.entry(key.name().to_owned()).or_insert_with(|| {
            let incident = incident_of(metadata.module_path().unwrap_or_default());
            Registered { value: Arc::default(), counter, incident, announced: false }
        });
        Arc::clone(&registered.value)
    }
}

/// The id of the incident that a module belongs to; empty for the service's own.
fn incident_of(module_path: &str) -> String {
    let mut parts = module_path.split("::").skip_while(|part| *part != "incidents").skip(1);
    parts.next().unwrap_or_default().replace('_', "-")
}

fn plain(key: &Key) -> bool {
    key.labels().len() == 0
}

impl Recorder for Registry {
    fn describe_counter(&self, key: KeyName, unit: Option<Unit>, says: SharedString) {
        self.describe(&key, unit, &says);
    }

    fn describe_gauge(&self, key: KeyName, unit: Option<Unit>, says: SharedString) {
        self.describe(&key, unit, &says);
    }

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, metadata: &Metadata<'_>) -> Counter {
        if plain(key) {
            Counter::from_arc(self.register(key, metadata, true))
        } else {
            Counter::noop()
        }
    }

    fn register_gauge(&self, key: &Key, metadata: &Metadata<'_>) -> Gauge {
        if plain(key) {
            Gauge::from_arc(self.register(key, metadata, false))
        } else {
            Gauge::noop()
        }
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_value_unit_and_incident_of_a_metric() {
        let registry = Registry::default();
        metrics::with_local_recorder(&registry, || {
            metrics::describe_gauge!("depth", Unit::Bytes, "how deep");
            metrics::gauge!("depth").set(2.5);
            metrics::counter!("drops").increment(3);
            metrics::counter!("drops").increment(4);
            metrics::counter!("labelled", "path" => "/").increment(1);
        });
        let expected = [("depth".to_owned(), 2.5), ("drops".to_owned(), 7.0)];
        assert_eq!(registry.snapshot(), expected.into());
        let announced = registry.announce();
        assert_eq!(announced.len(), 2);
        assert_eq!((announced[0].unit.as_str(), announced[0].says.as_str()), ("B", "how deep"));
        assert!(announced[1].counter);
        assert_eq!(registry.announce(), []);
        assert_eq!(incident_of("firedrill::incidents::pool_leak::broken"), "pool-leak");
        assert_eq!(incident_of("firedrill::service::store"), "");
    }
}
